import { parseTimestamp } from '../../../../libs/time/timestamp.js';
import { ask } from '../api.js';
import { useAsked } from '../asked.js';
import { Problem, Section, Table } from '../parts.js';
import { hrefOf } from '../place.js';
import type { QueryRun } from '../runs/query-run.js';
import { agoText, countText } from '../words.js';

const RUNS_READ = 200;

interface Caller {
  readonly key: string;
  count: number;
  readonly lastUs: number;
}

/** Who asked for a featureset lately, by the fingerprints of their keys. */
export function Callers({ featureset }: { readonly featureset: string }) {
  const asked = useAsked(
    (signal) => ask<{ readonly runs: readonly QueryRun[] }>('/query-runs', { query: { featureset, limit: String(RUNS_READ) }, signal }),
    [featureset],
  );
  if (asked.kind === 'waiting') return null;
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  const { runs } = asked.value;
  const callers = callersOf(runs);
  return (
    <Section title="Who asked lately" aside={<a href={hrefOf(['query-runs'], { featureset })}>Query runs</a>}>
      {callers.length === 0 && <p class="quiet">Nobody yet.</p>}
      {callers.length > 0 && (
        <Table label="Callers" head={['Key', '#Queries', 'Last']}>
          {callers.map(({ key, count, lastUs }) => (
            <tr key={key}>
              <th scope="row">{key === '' ? 'without a key' : <code>{key}</code>}</th>
              <td class="number">{countText(count)}</td>
              <td>{agoText(lastUs)}</td>
            </tr>
          ))}
        </Table>
      )}
      {runs.length === RUNS_READ && <p class="quiet">Of the last {RUNS_READ} queries.</p>}
    </Section>
  );
}

/** The newest caller first, as runs come. */
function callersOf(runs: readonly QueryRun[]): readonly Caller[] {
  const found = new Map<string, Caller>();
  for (const { api_key_fingerprint, created_at } of runs) {
    const key = api_key_fingerprint ?? '';
    const caller = found.get(key) ?? { key, count: 0, lastUs: parseTimestamp(created_at) };
    caller.count++;
    found.set(key, caller);
  }
  return [...found.values()];
}
