import { ThymeError } from '../errors/errors.js';
import { command, UsageError, type CommandContext } from './command.js';
import { tableLines } from './table-lines.js';

/** One of GET /api/v1/sources, as far as it is shown. */
interface Source {
  readonly dataset: string;
  readonly connector_type: string;
  readonly state: string;
  readonly cause: string | null;
  readonly since: string | null;
  readonly next_at: string | null;
  readonly cursor_value: string | null;
  readonly rows: number;
  readonly refused: number;
  readonly rows_per_s: number;
  readonly lag: { readonly rows: number | null; readonly bytes: number | null; readonly seconds: number | null };
}

interface SourceTest {
  readonly steps: readonly { readonly what: string; readonly ok: boolean; readonly detail: string }[];
  readonly sample: string | null;
}

export const sources = command({
  name: 'sources',
  summary: 'what fills datasets from outside, and how it does; test, pause, resume and reset it',
  parameters: '[list] | test DATASET | pause DATASET | resume DATASET | reset DATASET --to PLACE',
  positionalsMax: 2,
  flags: { to: { value: 'PLACE', about: "for reset: beginning, now, or a place in the system's words" } },
  examples: ['thyme sources', 'thyme sources test Order', 'thyme sources pause Order', 'thyme sources reset Order --to now'],
  async run({ positionals: [action = 'list', dataset], flags }, context) {
    if (action === 'list') return list(context);
    if (action !== 'test' && action !== 'pause' && action !== 'resume' && action !== 'reset')
      throw new UsageError(`'${action}' is none of list, test, pause, resume and reset`);
    if (dataset === undefined) throw new UsageError('name the dataset that the source fills');
    const path = `/api/v1/sources/${encodeURIComponent(dataset)}/${action}`;
    if (action === 'test') return test(path, context);
    if (action === 'reset') return reset(path, { dataset, to: flags.to }, context);
    const response = await context.client.postRaw(path, '', 'application/json');
    context.terminal.out(
      context.json === true
        ? await response.text()
        : action === 'pause'
          ? `${dataset}'s source is paused: \`thyme sources resume ${dataset}\` lets it go on`
          : `${dataset}'s source goes on`,
    );
  },
});

async function list({ client, terminal, json: asJson = false }: CommandContext): Promise<void> {
  const found = (await client.get('/api/v1/sources')).body as readonly Source[]; // OpenAPI says so
  if (asJson || found.length === 0) {
    terminal.out(asJson ? JSON.stringify(found, null, 2) : 'No dataset has a source');
    return;
  }
  for (const line of tableLines(['DATASET', 'SOURCE', 'STATE', 'ROWS', 'REFUSED', 'ROWS/S', 'LAG', 'POSITION'], found.map(rowOf)))
    terminal.out(line);
  for (const { dataset, state, cause, since } of found)
    if (cause !== null) terminal.err(`${dataset} (${state} since ${since ?? 'now'}): ${cause}`);
}

function rowOf({
  dataset,
  connector_type: connector,
  state,
  cursor_value: position,
  rows,
  refused,
  rows_per_s: rate,
  lag,
}: Source): readonly string[] {
  return [dataset, connector, state, String(rows), String(refused), rate.toFixed(rate < 10 ? 1 : 0), lagOf(lag), position ?? '-'];
}

function lagOf({ rows, bytes, seconds }: Source['lag']): string {
  const parts = [
    seconds === null ? '' : `${seconds.toFixed(1)} s`,
    rows === null ? '' : `${rows} rows`,
    bytes === null ? '' : `${bytes} bytes`,
  ];
  return parts.filter((part) => part !== '').join(', ') || '-';
}

async function reset(
  path: string,
  { dataset, to }: { readonly dataset: string; readonly to: string | undefined },
  { client, terminal, json: asJson = false }: CommandContext,
): Promise<void> {
  if (to === undefined) throw new UsageError("say where to: --to beginning, --to now, or a place in the words of the source's system");
  const { body } = await client.post(path, { to });
  const { position } = body as { readonly position: string }; // OpenAPI says so
  terminal.out(asJson ? JSON.stringify(body, null, 2) : `${dataset}'s source goes on from ${position}`);
}

async function test(path: string, { client, terminal, json: asJson = false }: CommandContext): Promise<void> {
  const response = await client.postRaw(path, '', 'application/json');
  const { steps, sample } = JSON.parse(await response.text()) as SourceTest; // OpenAPI says so
  if (asJson) terminal.out(JSON.stringify({ steps, sample }, null, 2));
  else for (const { what, ok, detail } of steps) terminal.out(`${ok ? 'ok    ' : 'failed'}  ${what}: ${detail}`);
  if (sample !== null && !asJson) terminal.out(`a row: ${sample}`);
  const failed = steps.find(({ ok }) => !ok);
  if (failed !== undefined)
    throw new ThymeError('THYME_SOURCE_UNUSABLE', 'FAILED_PRECONDITION', `the source cannot be read: ${failed.what} failed`);
}
