import { useState } from 'preact/hooks';
import { ask } from './api.js';
import { useAsked } from './asked.js';
import { Problem, State, Table } from './parts.js';
import { hrefOf, type Place } from './place.js';
import { Run } from './runs/run.js';
import { asOfText, entitiesText, instantOf, type QueryRun } from './runs/query-run.js';
import type { Status } from './status.js';
import { countText, msText } from './words.js';

const RUNS_PER_PAGE = 50;
/** `2026-01-31 12:00:00`: the list is in order anyhow. */
const SECONDS_LENGTH = 19;

interface RunsAnswer {
  readonly runs: readonly QueryRun[];
  readonly next_cursor: string | null;
}

/** The audit of reads, newest first, a page at a time; or one of them. */
export function Runs({ place, status }: { readonly place: Place; readonly status: Status }) {
  const id = place.path[1];
  return id === undefined ? <RunList status={status} place={place} /> : <Run key={id} id={id} status={status} />;
}

const KINDS = ['online', 'batch', 'offline', 'lookup'];
/** What the address may filter by, as REST calls it. */
const FILTERS = ['featureset', 'kind', 'failed', 'min_latency_ms', 'key'] as const;
type Filter = Readonly<Partial<Record<(typeof FILTERS)[number], string>>>;

function RunList({ status, place }: { readonly status: Status; readonly place: Place }) {
  const filter: Filter = Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = place.query.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const cursor = place.query.get('cursor');
  const [turn, setTurn] = useState(0);
  const asked = useAsked(
    (signal) => ask<RunsAnswer>('/query-runs', { query: { limit: String(RUNS_PER_PAGE), ...filter, cursor }, signal }),
    [JSON.stringify(filter), cursor, turn],
  );
  return (
    <>
      <h1>Query runs</h1>
      <RunFilters status={status} filter={filter} onAgain={() => setTurn(turn + 1)} />
      {asked.kind === 'failed' && <Problem error={asked.error} />}
      {asked.kind === 'answered' && (
        <>
          <Table label="Query runs" head={['Asked', 'Featureset', 'Entities', 'Kind', 'As of', '#Rows', '#Found', '#Took', 'Key', 'State']}>
            {asked.value.runs.map((run) => (
              <RunRow key={run.id} run={run} filter={filter} />
            ))}
          </Table>
          <p class="pages">
            {cursor !== undefined && <a href={hrefOf(['query-runs'], filter)}>Newest</a>}
            {asked.value.next_cursor !== null && <a href={hrefOf(['query-runs'], { ...filter, cursor: asked.value.next_cursor })}>Older</a>}
            {asked.value.runs.length === 0 && <span class="quiet">No run is on record here.</span>}
          </p>
        </>
      )}
    </>
  );
}

interface RunFiltersProps {
  readonly status: Status;
  readonly filter: Filter;
  readonly onAgain: () => void;
}

function RunFilters({ status, filter, onAgain }: RunFiltersProps) {
  const names = [...status.featuresets.map(({ name }) => name), ...status.datasets.map(({ name }) => name)];
  const choose = (name: keyof Filter, value: string): void => void (location.hash = hrefOf(['query-runs'], { ...filter, [name]: value }));
  return (
    <form class="ask" onSubmit={(event) => event.preventDefault()}>
      <Choice
        label="Featureset or dataset"
        value={filter.featureset}
        choices={names.map((name) => [name, name])}
        onChoice={(value) => choose('featureset', value)}
      />
      <Choice label="Kind" value={filter.kind} choices={KINDS.map((kind) => [kind, kind])} onChoice={(value) => choose('kind', value)} />
      <Choice
        label="State"
        value={filter.failed}
        choices={[
          ['true', 'failed'],
          ['false', 'answered'],
        ]}
        onChoice={(value) => choose('failed', value)}
      />
      <label>
        <span>
          Took at least <small>ms</small>
        </span>
        <input
          type="text"
          inputMode="decimal"
          value={filter.min_latency_ms ?? ''}
          onChange={(event) => choose('min_latency_ms', event.currentTarget.value)}
        />
      </label>
      <label>
        <span>
          Key <small>fingerprint</small>
        </span>
        <input
          type="text"
          spellcheck={false}
          autocomplete="off"
          value={filter.key ?? ''}
          onChange={(event) => choose('key', event.currentTarget.value)}
        />
      </label>
      <button type="button" onClick={onAgain}>
        Read again
      </button>
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly choices: readonly (readonly [string, string])[];
  readonly onChoice: (value: string) => void;
}

function Choice({ label, value = '', choices, onChoice }: ChoiceProps) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
        <option value="">all of them</option>
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function RunRow({ run, filter }: { readonly run: QueryRun; readonly filter: Filter }) {
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf(['query-runs', run.id])}>{instantOf(run.created_at).slice(0, SECONDS_LENGTH)}</a>
      </th>
      <td>{run.featureset}</td>
      <td class="words">{entitiesText(run)}</td>
      <td>{run.kind}</td>
      <td>{asOfText(run)}</td>
      <td class="number">{countText(run.row_count)}</td>
      <td class="number">{countText(run.hit_count)}</td>
      <td class="number">{msText(run.latency_ms)}</td>
      <td>
        {run.api_key_fingerprint !== null && (
          <a href={hrefOf(['query-runs'], { ...filter, key: run.api_key_fingerprint })}>{run.api_key_fingerprint}</a>
        )}
      </td>
      <td>{run.error === null ? <State tone="good">answered</State> : <State tone="error">{run.error}</State>}</td>
    </tr>
  );
}
