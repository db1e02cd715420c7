// Records that came too late (S10), as REST lists them.
import { parseTimestamp } from '../../../libs/time/timestamp.js';
import { ask } from './api.js';
import { Table } from './parts.js';
import { countText, instantText, spanText, valueText } from './words.js';

interface LateRecord {
  readonly event_time: string;
  readonly known_at: string;
  readonly watermark: string;
  readonly max_lateness_seconds: number;
  readonly lane: string;
  readonly reason: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface LateAnswer {
  readonly late_records: readonly LateRecord[];
  readonly found: number;
  readonly judged: number;
  readonly unjudged: number;
  readonly forgotten: number;
}

export function askLate(query: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<LateAnswer> {
  return ask<LateAnswer>('/api/v1/late-records', { query, signal });
}

interface LateTableProps {
  readonly dataset: string;
  readonly answer: LateAnswer;
  /** What is said where there is none. */
  readonly none: string;
}

/** What came too late, when, by how much, and what it holds. */
export function LateTable({ dataset, answer: { late_records: records, found, forgotten }, none }: LateTableProps) {
  const fields = Object.keys(records[0]?.values ?? {});
  return (
    <>
      <p class="quiet" role="status">
        {found === 0
          ? none
          : `${countText(found)} came too late${found > records.length ? `; the newest ${records.length} are shown` : ''}.`}
        {forgotten > 0 ? ` ${countText(forgotten)} older ones of the dataset are counted only.` : ''}
      </p>
      {records.length > 0 && (
        <Table label={`Late records of ${dataset}`} head={['Happened', 'Came', 'Too late by', 'From', ...fields]}>
          {records.map(({ event_time, known_at, watermark, max_lateness_seconds, lane, reason, values }, i) => {
            const [eventUs, watermarkUs] = [parseTimestamp(event_time), parseTimestamp(watermark)];
            return (
              <tr key={i} title={reason}>
                <th scope="row">{instantText(eventUs)}</th>
                <td>{instantText(parseTimestamp(known_at))}</td>
                <td>
                  {spanText(watermarkUs - max_lateness_seconds * 1e6 - eventUs)} beyond {spanText(max_lateness_seconds * 1e6)}
                </td>
                <td class="words">{lane === 'push' ? 'a push' : lane}</td>
                {fields.map((field) => (
                  <td key={field} class="words">
                    {valueText(values[field])}
                  </td>
                ))}
              </tr>
            );
          })}
        </Table>
      )}
    </>
  );
}
