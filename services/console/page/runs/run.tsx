import { useState } from 'preact/hooks';
import { ask } from '../api.js';
import { useAsked } from '../asked.js';
import { Facts } from '../catalog/facts.js';
import { Problem, Section, State, Table } from '../parts.js';
import { hrefOf } from '../place.js';
import type { Status } from '../status.js';
import { differs } from '../travel/question.js';
import { countText, msText, valueText } from '../words.js';
import { asOfText, entitiesText, instantOf, type QueryRun } from './query-run.js';

/** Entities that a replay is compared for; a run keeps a hundred at most. */
const COMPARED_MAX = 100;

interface Replay {
  readonly result: { readonly features: readonly string[]; readonly values: readonly (readonly unknown[])[]; readonly as_of: string };
}

interface BatchAnswer {
  readonly features: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

interface Compared {
  readonly features: readonly string[];
  readonly asOf: string;
  /** As of the run's instant. */
  readonly then: readonly (readonly unknown[])[];
  /** The same entities as of now; undefined where now cannot be asked in the same way. */
  readonly now: readonly (readonly unknown[])[] | undefined;
}

/** One query run: what was asked, and what it answers when it is asked again. */
export function Run({ id, status }: { readonly id: string; readonly status: Status }) {
  const asked = useAsked((signal) => ask<QueryRun>(`/query-runs/${encodeURIComponent(id)}`, { signal }), [id]);
  return (
    <>
      <p class="way">
        <a href={hrefOf(['query-runs'])}>Query runs</a> / run
      </p>
      <h1 class="id">{id}</h1>
      {asked.kind === 'failed' && <Problem error={asked.error} />}
      {asked.kind === 'answered' && <RunDetail run={asked.value} status={status} />}
    </>
  );
}

function RunDetail({ run, status }: { readonly run: QueryRun; readonly status: Status }) {
  const [turn, setTurn] = useState(0);
  const nothing = { name: '', description: '', owner: '', tags: [], deprecated: false };
  return (
    <>
      <Facts
        of={nothing}
        facts={[
          ['State', run.error === null ? <State tone="good">answered</State> : <State tone="error">{run.error}</State>],
          [
            run.kind === 'lookup' ? 'Dataset' : 'Featureset',
            <a href={hrefOf(['catalog', run.kind === 'lookup' ? 'dataset' : 'featureset', run.featureset])}>{run.featureset}</a>,
          ],
          ['Entities', entitiesText(run)],
          ['Kind', run.kind],
          ['Asked', instantOf(run.created_at)],
          ['As of', asOfText(run)],
          ['Answered as of', run.as_of === null ? '' : instantOf(run.as_of)],
          ['Known at', run.known_at === null ? '' : instantOf(run.known_at)],
          ['Rows', `${countText(run.row_count)}, ${countText(run.hit_count)} found`],
          ['Took', msText(run.latency_ms)],
          ['Key', run.api_key_fingerprint ?? 'none'],
        ]}
      />
      {run.had_inputs ? (
        <p class="quiet">It had inputs, which are not on record, so it cannot be asked again.</p>
      ) : turn === 0 ? (
        <button type="button" onClick={() => setTurn(1)}>
          Ask it again
        </button>
      ) : (
        <Again run={run} status={status} onAgain={() => setTurn(turn + 1)} turn={turn} />
      )}
    </>
  );
}

interface AgainProps {
  readonly run: QueryRun;
  readonly status: Status;
  readonly turn: number;
  readonly onAgain: () => void;
}

function Again({ run, status, turn, onAgain }: AgainProps) {
  const asked = useAsked((signal) => compare(run, status, signal), [run.id, turn]);
  return (
    <Section
      title="Asked again"
      aside={
        <button type="button" onClick={onAgain}>
          Once more
        </button>
      }
    >
      {asked.kind === 'waiting' && <p class="quiet">Asking …</p>}
      {asked.kind === 'failed' && <Problem error={asked.error} />}
      {asked.kind === 'answered' && <Comparison run={run} status={status} compared={asked.value} />}
    </Section>
  );
}

async function compare(run: QueryRun, status: Status, signal: AbortSignal): Promise<Compared> {
  const { result } = await ask<Replay>(`/query-runs/${encodeURIComponent(run.id)}/replay`, { body: {}, signal });
  const { features, values, as_of } = result;
  const keys = keysOf(run, status);
  const rows = run.entity_ids.length;
  // The rows of a training set have instants of their own, and what is no longer committed has nothing to compare with.
  if (keys === undefined || run.kind === 'offline' || rows > COMPARED_MAX) return { features, asOf: as_of, then: values, now: undefined };
  const entities = run.entity_ids.map((entity) => entityOf(entity, keys));
  if (run.kind === 'lookup') {
    const now = await lookedUp(run.featureset, entities[0] ?? '', signal);
    return { features, asOf: as_of, then: values, now: [features.map((name) => now?.[name] ?? null)] };
  }
  const now = await ask<BatchAnswer>('/features/batch', { body: { featureset: run.featureset, entity_ids: entities }, signal });
  const places = features.map((name) => now.features.indexOf(name));
  return { features, asOf: as_of, then: values, now: now.values.map((row) => places.map((place) => row[place])) };
}

/** The names of the key's fields; undefined where what was asked is no longer committed. */
function keysOf({ kind, featureset }: QueryRun, status: Status): readonly string[] | undefined {
  if (kind === 'lookup') return status.datasets.find(({ name }) => name === featureset)?.keys;
  return status.featuresets.find(({ name }) => name === featureset)?.entity;
}

type Entity = string | number | boolean | Readonly<Record<string, unknown>>;

/** A composite key stands in a run by its values alone. */
function entityOf(entity: unknown, keys: readonly string[]): Entity {
  if (Array.isArray(entity)) return Object.fromEntries(keys.map((key, i) => [key, (entity as readonly unknown[])[i]]));
  return entity as Entity; // as REST tells keys of one field
}

async function lookedUp(dataset: string, entity: Entity, signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | null> {
  const key =
    typeof entity === 'object'
      ? Object.fromEntries(Object.entries(entity).map(([name, value]) => [`entity.${name}`, String(value)]))
      : { entity_id: String(entity) };
  const query = { entity_type: dataset, ...key };
  return (await ask<{ readonly features: Readonly<Record<string, unknown>> | null }>('/features', { query, signal })).features;
}

/** Where the value is explained, as of the instant that was answered for. */
function whyHref(run: QueryRun, status: Status, row: number, feature: string): string | undefined {
  const keys = keysOf(run, status);
  const known = status.featuresets.find(({ name }) => name === run.featureset)?.features.find(({ name }) => name === feature);
  if (keys === undefined || run.as_of === null || known === undefined || (run.kind !== 'online' && run.kind !== 'batch')) return undefined;
  const entity = run.entity_ids[row];
  const values = Array.isArray(entity) ? (entity as readonly unknown[]) : [entity];
  const key = Object.fromEntries(keys.map((name, i) => [keys.length === 1 ? 'entity' : `entity.${name}`, String(values[i] ?? '')]));
  return hrefOf(['travel', run.featureset], { ...key, at: run.as_of, known: run.known_at ?? undefined, why: feature });
}

interface ComparisonProps {
  readonly run: QueryRun;
  readonly status: Status;
  readonly compared: Compared;
}

function Comparison({ run, status, compared: { features, asOf, then, now } }: ComparisonProps) {
  const changed = then.flatMap((row, i) => row.filter((value, j) => now !== undefined && differs(value, now[i]?.[j]))).length;
  const several = then.length > 1;
  return (
    <>
      <p role="status">
        As of {instantOf(asOf)}.{' '}
        {now === undefined
          ? ''
          : changed === 0
            ? 'Now the answer is the same.'
            : changed === 1
              ? 'One value is another now.'
              : `${changed} values are others now.`}
      </p>
      <Table
        label="Asked again"
        head={[...(several ? ['Entity'] : []), 'Feature', 'As of then', ...(now === undefined ? [] : ['Now', 'Difference'])]}
      >
        {then.flatMap((row, i) =>
          row.map((value, j) => (
            <tr key={`${i} ${j}`}>
              {several && <td>{valueText(run.entity_ids[i])}</td>}
              <th scope="row">{features[j]}</th>
              <td>
                <Explained value={value} href={whyHref(run, status, i, features[j] ?? '')} feature={features[j] ?? ''} />
              </td>
              {now !== undefined && <td>{valueText(now[i]?.[j])}</td>}
              {now !== undefined && <td>{differs(value, now[i]?.[j]) ? <State tone="warning">changed</State> : ''}</td>}
            </tr>
          )),
        )}
      </Table>
    </>
  );
}

interface ExplainedProps {
  readonly value: unknown;
  readonly href: string | undefined;
  readonly feature: string;
}

function Explained({ value, href, feature }: ExplainedProps) {
  const text = valueText(value);
  if (href === undefined) return <>{text}</>;
  return (
    <a href={href} aria-label={`${text}: why ${feature}`}>
      {text}
    </a>
  );
}
