import { useState } from 'preact/hooks';
import { parseTimestamp } from '../../../../libs/time/timestamp.js';
import { ask } from '../api.js';
import { useAsked } from '../asked.js';
import { Problem, Section, Table } from '../parts.js';
import type { Dataset } from '../status.js';
import { instantText, valueText } from '../words.js';

const ROWS_SHOWN = '20';

interface NewestAnswer {
  readonly records: readonly {
    readonly event_time: string;
    readonly known_at: string;
    readonly lane: string;
    readonly deleted: boolean;
    readonly values: Readonly<Record<string, unknown>>;
  }[];
}

/** What came into a dataset last: read once somebody wants it, since it takes scope admin. */
export function NewestRows({ dataset }: { readonly dataset: Dataset }) {
  const [turn, setTurn] = useState(0);
  return (
    <Section
      title="Newest rows"
      aside={
        <button type="button" onClick={() => setTurn(turn + 1)}>
          {turn === 0 ? 'Show them' : 'Read again'}
        </button>
      }
    >
      {turn === 0 ? <p class="quiet">Whose they are is for admins to see.</p> : <Rows key={turn} dataset={dataset} />}
    </Section>
  );
}

function Rows({ dataset: { name, fields } }: { readonly dataset: Dataset }) {
  const asked = useAsked(
    (signal) => ask<NewestAnswer>('/api/v1/newest-records', { query: { dataset: name, limit: ROWS_SHOWN }, signal }),
    [],
  );
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  if (asked.kind === 'waiting') return <p class="quiet">Reading …</p>;
  const { records } = asked.value;
  if (records.length === 0) return <p class="quiet">There is none yet.</p>;
  const hasDeleted = records.some(({ deleted }) => deleted);
  return (
    <Table
      label={`Newest rows of ${name}`}
      head={['Came', 'From', ...(hasDeleted ? ['Deleted'] : []), ...fields.map((field) => field.name)]}
    >
      {records.map(({ known_at, lane, deleted, values }, i) => (
        <tr key={i}>
          <th scope="row">{instantText(parseTimestamp(known_at))}</th>
          <td>{lane === 'push' ? 'a push' : lane}</td>
          {hasDeleted && <td>{deleted ? 'yes' : ''}</td>}
          {fields.map((field) => (
            <td key={field.name}>{valueText(values[field.name])}</td>
          ))}
        </tr>
      ))}
    </Table>
  );
}
