import { cellOf } from './answer-tables.js';
import { command, printAnswer, UsageError, type CommandContext } from './command.js';
import { tableLines } from './table-lines.js';

/** One of GET /query-runs, as far as it is shown. */
interface Run {
  readonly id: string;
  readonly featureset: string;
  readonly entity_ids: readonly unknown[];
  readonly entity_count: number;
  readonly kind: string;
  readonly latency_ms: number;
  readonly api_key_fingerprint: string | null;
  readonly error: string | null;
  readonly created_at: string;
}

interface Replayed {
  readonly kind: string;
  readonly result: { readonly features: readonly string[]; readonly values: readonly (readonly unknown[])[]; readonly as_of: string };
}

/** Entities that a line of the list names; a run may have asked for thousands. */
const ENTITIES_SHOWN = 3;

export const runs = command({
  name: 'runs',
  summary: 'query runs: what was asked, by whom, and how it went; show one, or replay it',
  parameters: '[list] | show ID | replay ID',
  positionalsMax: 2,
  flags: {
    featureset: { value: 'NAME', about: 'for list: only runs of this featureset, or of this dataset' },
    kind: { value: 'KIND', about: 'for list: only these: online, batch, offline or lookup' },
    key: { value: 'FINGERPRINT', about: 'for list: only runs of this key, as `thyme keys list` tells its fingerprint' },
    failed: { about: 'for list: only runs that failed' },
    'slower-than': { value: 'MS', about: 'for list: only runs that took at least so many milliseconds' },
    limit: { value: 'N', short: 'n', about: 'for list: at most so many, up to 500; 50 where it is absent' },
    cursor: { value: 'CURSOR', about: 'for list: goes on after the page whose next_cursor this is' },
  },
  examples: ['thyme runs', 'thyme runs --featureset AirportDelay --failed', 'thyme runs show qr_01', 'thyme runs replay qr_01'],
  async run({ positionals: [action = 'list', id], flags }, context) {
    if (action === 'list') {
      if (id !== undefined) throw new UsageError(`'${id}' is one too many: \`thyme runs show ${id}\` shows one`);
      const { featureset, kind, key, failed, limit, cursor, 'slower-than': slower } = flags;
      const asked = { featureset, kind, key, limit, cursor, min_latency_ms: slower, failed: failed ? 'true' : undefined };
      printAnswer(context, (await context.client.get('/query-runs', asked)).body, listLines);
      return;
    }
    if (action !== 'show' && action !== 'replay') throw new UsageError(`'${action}' is none of list, show and replay`);
    if (id === undefined) throw new UsageError(`name the run: thyme runs ${action} ID, as \`thyme runs\` lists it`);
    return action === 'show' ? show(id, context) : replay(id, context);
  },
});

async function show(id: string, context: CommandContext): Promise<void> {
  const { body } = await context.client.get(`/query-runs/${encodeURIComponent(id)}`);
  printAnswer(context, body, (run) =>
    tableLines(
      ['WHAT', 'VALUE'],
      Object.entries(run as object).map(([name, value]) => [name, cellOf(value)]),
    ),
  );
}

/** As of the instant that was asked for, on what is known now: late rows count. It leaves no run of its own. */
async function replay(id: string, context: CommandContext): Promise<void> {
  const { body } = await context.client.post(`/query-runs/${encodeURIComponent(id)}/replay`, {});
  printAnswer(context, body, (replayed) => {
    const { kind, result } = replayed as Replayed; // OpenAPI says so
    return [
      ...tableLines(
        result.features,
        result.values.map((row) => row.map(cellOf)),
      ),
      '',
      `${kind}, as of ${result.as_of}`,
    ];
  });
}

function listLines(body: unknown): readonly string[] {
  const { runs: found, next_cursor: next } = body as { readonly runs: readonly Run[]; readonly next_cursor: string | null }; // OpenAPI says so
  const lines = tableLines(['WHEN', 'RUN', 'KIND', 'OF', 'ENTITIES', 'MS', 'KEY', 'ERROR'], found.map(cellsOf));
  return [
    ...(found.length === 0 ? ['No such run is on record'] : lines),
    ...(next === null ? [] : ['', `there may be more: thyme runs --cursor ${next}`]),
  ];
}

function cellsOf(run: Run): readonly string[] {
  const { created_at: at, id, kind, featureset, latency_ms: ms, api_key_fingerprint: key, error } = run;
  return [at, id, kind, featureset, entitiesText(run), ms.toFixed(1), key ?? '-', error ?? '-'];
}

function entitiesText({ entity_ids: ids, entity_count: count }: Run): string {
  const shown = ids.slice(0, ENTITIES_SHOWN).map(cellOf);
  return count > shown.length ? `${shown.join(', ')} and ${count - shown.length} more` : shown.join(', ');
}
