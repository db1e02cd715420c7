import { useState } from 'preact/hooks';
import { formatTimestamp, parseTimestamp } from '../../../../libs/time/timestamp.js';
import { ask } from '../api.js';
import { useAsked } from '../asked.js';
import { Problem, Section, Table } from '../parts.js';
import { hrefOf } from '../place.js';
import type { Dataset } from '../status.js';
import { countText, instantText, spanText, valueText } from '../words.js';
import { keyOf } from './older-version.js';
import type { Subject } from './subject.js';

const ROWS_PER_PAGE = 20;
/** Less is the way into the log, not lateness. */
const LATE_US_MIN = 1e6;

type Which = 'counted' | 'ended' | 'later';

interface RowsAnswer {
  readonly as_of: string;
  readonly window_seconds: number | null;
  readonly value: unknown;
  readonly count: number;
  readonly rows: readonly ListedRow[];
  readonly next_cursor: string | null;
}

interface ListedRow {
  readonly event_time: string;
  readonly known_at: string;
  readonly counts_from: string | null;
  readonly ended_at: string | null;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface WhyRowsProps {
  readonly title: string;
  readonly dataset: Dataset;
  /** Of a dataset that a pipeline fills. */
  readonly field?: string;
  /** Of one that none fills: how far back, as REST writes durations. */
  readonly window?: string;
  readonly subject: Subject;
  readonly atUs: number;
  readonly knownUs: number | undefined;
}

/** The rows of a window: those that count, those that were taken back, and those that came later than one knew. */
export function WhyRows(props: WhyRowsProps) {
  const { title, knownUs } = props;
  const [which, setWhich] = useState<Which>('counted');
  const choices: readonly (readonly [Which, string])[] = [
    ['counted', 'that count'],
    ['ended', 'taken back'],
    ...(knownUs === undefined ? [] : [['later', 'not known then'] as const]),
  ];
  return (
    <Section
      title={title}
      aside={
        <div class="actions" role="group" aria-label={`Which ${title}`}>
          {choices.map(([value, label]) => (
            <button key={value} type="button" aria-pressed={which === value} onClick={() => setWhich(value)}>
              {label}
            </button>
          ))}
        </div>
      }
    >
      <Pages key={JSON.stringify([props.subject, props.atUs, knownUs, which])} {...props} which={which} />
    </Section>
  );
}

/** Of one question, a page at a time. */
function Pages(props: WhyRowsProps & { readonly which: Which }) {
  /** The cursors that led here, the last of them this page's. */
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const asked = useAsked((signal) => askRows(props, cursor, signal), [cursor]);
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  if (asked.kind === 'waiting') return <p class="quiet">Asking …</p>;
  const { next_cursor: next } = asked.value;
  return (
    <>
      <Listed {...props} answer={asked.value} />
      <p class="pages">
        {cursors.length > 0 && (
          <button type="button" onClick={() => setCursors(cursors.slice(0, -1))}>
            Newer rows
          </button>
        )}
        {next !== null && (
          <button type="button" onClick={() => setCursors([...cursors, next])}>
            Older rows
          </button>
        )}
      </p>
    </>
  );
}

function Listed({ title, which, dataset, answer }: WhyRowsProps & { readonly which: Which; readonly answer: RowsAnswer }) {
  const { rows, count } = answer;
  const fields = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))].filter((name) => name !== dataset.timestamp);
  const hasStart = rows.some(({ counts_from }) => counts_from !== null);
  return (
    <>
      <p class="quiet" role="status">
        {which === 'counted' ? `${countText(count)} in all count.` : ''} {rows.length === 0 ? NOTHING[which] : ''}
      </p>
      {rows.length > 0 && (
        <Table
          label={title}
          head={['Happened', 'Known', ...(hasStart ? ['Counts from'] : []), ...(which === 'ended' ? ['Taken back'] : []), ...fields]}
        >
          {rows.map((row, i) => (
            <tr key={i}>
              <th scope="row">{instantOf(row.event_time)}</th>
              <td>{knownText(row)}</td>
              {hasStart && <td>{row.counts_from === null ? '' : instantOf(row.counts_from)}</td>}
              {which === 'ended' && <td>{row.ended_at === null ? '' : instantOf(row.ended_at)}</td>}
              {fields.map((field) => (
                <td key={field} class="words">
                  {valueText(row.values[field])}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

const NOTHING: Readonly<Record<Which, string>> = {
  counted: 'There is none on this page.',
  ended: 'Nothing in the window was taken back by then.',
  later: 'Nothing came later.',
};

/** `5m 3s later` where that is more than its way into the log. */
function knownText({ event_time, known_at }: ListedRow): string {
  const lateUs = parseTimestamp(known_at) - parseTimestamp(event_time);
  return lateUs < LATE_US_MIN ? 'at once' : `${spanText(lateUs)} later`;
}

function instantOf(text: string): string {
  return instantText(parseTimestamp(text));
}

function askRows(
  { dataset, field, window, subject, atUs, knownUs, which }: WhyRowsProps & { readonly which: Which },
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<RowsAnswer> {
  const query = {
    entity_type: dataset.name,
    ...entityQuery(dataset, subject),
    field,
    window,
    which,
    timestamp: formatTimestamp(atUs),
    // What counts is explained as it is known now, like the value above it.
    known_at: knownUs === undefined || which !== 'later' ? undefined : formatTimestamp(knownUs),
    limit: String(ROWS_PER_PAGE),
    cursor,
  };
  return ask<RowsAnswer>('/features/rows', { query, signal });
}

/** The entity as the parameters of a URL. */
export function entityQuery(dataset: Dataset, subject: Subject): Readonly<Record<string, string>> {
  const key = keyOf(dataset, subject);
  if (typeof key === 'string') return { entity_id: key };
  return Object.fromEntries(Object.entries(key).map(([field, value]) => [`entity.${field}`, value]));
}

/** A link to what the rows are read from. */
export function datasetHref({ name }: Dataset): string {
  return hrefOf(['catalog', 'dataset', name]);
}
