import { parseArgs } from 'node:util';
import { UsageError, type Command, type CommandContext } from './command.js';
import { readRows } from './row-file.js';

/** Queries in one request of `query-offline`: the published client's figure (REST.md). */
const OFFLINE_CHUNK_ROWS = 5_000;

export const query: Command = {
  name: 'query',
  summary: 'features of one or more entities, now or at a past instant',
  usage: 'thyme query FEATURESET -e ENTITY [-e ENTITY ...] [--at TIME] [--known-at TIME] [--after TOKEN] [--inputs JSON]',
  async run(args, context) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        entity: { type: 'string', short: 'e', multiple: true },
        at: { type: 'string' },
        'known-at': { type: 'string' },
        after: { type: 'string' },
        inputs: { type: 'string' },
      },
    });
    const [featureset] = positionals;
    const entities = (values.entity ?? []).map(entityOf);
    if (featureset === undefined || entities.length === 0) throw new UsageError('name a featureset and at least one entity');
    const shared = { featureset, timestamp: values.at, known_at: values['known-at'], after: values.after };
    const inputs = values.inputs === undefined ? undefined : inputsOf(values.inputs);
    if (inputs !== undefined && entities.length > 1) throw new UsageError('--inputs go with one entity: a batch has none');
    const answer =
      entities.length === 1
        ? await context.client.post('/features', { ...shared, entity_id: entities[0], inputs })
        : await context.client.post('/features/batch', { ...shared, entity_ids: entities });
    context.terminal.out(JSON.stringify(answer.body, null, 2));
    footer(context, answer.queryRunId);
  },
};

export const queryOffline: Command = {
  name: 'query-offline',
  summary: 'a training set: features of many (entity, instant) pairs',
  usage: 'thyme query-offline FEATURESET (-i FILE.ndjson|FILE.csv | -e ENTITY --at TIME) [--known-at TIME|timestamp]',
  async run(args, context) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        input: { type: 'string', short: 'i' },
        entity: { type: 'string', short: 'e', multiple: true },
        at: { type: 'string' },
        'known-at': { type: 'string' },
      },
    });
    const [featureset] = positionals;
    if (featureset === undefined) throw new UsageError('name a featureset');
    const queries = values.input === undefined ? askedPairs(values.entity, values.at) : await fileRows(values.input);
    for (let start = 0; start < queries.length; start += OFFLINE_CHUNK_ROWS) {
      const answer = await context.client.post('/features/offline', {
        featureset,
        queries: queries.slice(start, start + OFFLINE_CHUNK_ROWS),
        known_at: values['known-at'],
      });
      for (const row of (answer.body as { readonly results: readonly unknown[] }).results) context.terminal.out(JSON.stringify(row));
      footer(context, answer.queryRunId);
    }
  },
};

export const lookup: Command = {
  name: 'lookup',
  summary: 'the row of a dataset, without extractors',
  usage: 'thyme lookup DATASET -e ENTITY [--at TIME]',
  async run(args, context) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { entity: { type: 'string', short: 'e' }, at: { type: 'string' } },
    });
    const [dataset] = positionals;
    if (dataset === undefined || values.entity === undefined) throw new UsageError('name a dataset and an entity');
    const entity = entityOf(values.entity);
    const answer = await context.client.get('/features', { entity_type: dataset, timestamp: values.at, ...entityParameters(entity) });
    context.terminal.out(JSON.stringify(answer.body, null, 2));
    footer(context, answer.queryRunId);
  },
};

export const status: Command = {
  name: 'status',
  summary: 'what is committed and how far the pipelines are',
  usage: 'thyme status',
  async run(args, context) {
    parseArgs({ args: [...args], options: {} }); // refuses what it does not know
    context.terminal.out(JSON.stringify((await context.client.get('/api/v1/status')).body, null, 2));
  },
};

function inputsOf(text: string): object {
  let inputs: unknown;
  try {
    inputs = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--inputs: this is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) throw new UsageError(`--inputs: write an object of inputs by name, such as '{"cart_total": 900}'`);
  return inputs;
}

/** `user_42`, or for a composite key `origin=ATL,destination=ORD`. */
function entityOf(text: string): string | Record<string, string> {
  if (!/^[A-Za-z_]\w*=[^,]*(,[A-Za-z_]\w*=[^,]*)*$/.test(text)) return text;
  return Object.fromEntries(text.split(',').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));
}

function entityParameters(entity: string | Record<string, string>): Record<string, string> {
  if (typeof entity === 'string') return { entity_id: entity };
  return Object.fromEntries(Object.entries(entity).map(([name, value]) => [`entity.${name}`, value]));
}

function askedPairs(entities: readonly string[] | undefined, at: string | undefined): { entity_id: unknown; timestamp: string }[] {
  if (entities === undefined || at === undefined) throw new UsageError('give -i FILE, or -e ENTITY with --at TIME');
  return entities.map((entity) => ({ entity_id: entityOf(entity), timestamp: at }));
}

async function fileRows(path: string): Promise<unknown[]> {
  const queries: unknown[] = [];
  for await (const row of readRows(path)) queries.push({ entity_id: row.entity_id, timestamp: row.timestamp });
  return queries;
}

function footer({ terminal, webUrl }: CommandContext, runId: string | undefined): void {
  if (runId === undefined) return;
  terminal.err(`Query run: ${runId}`);
  if (webUrl !== undefined) terminal.err(`Results: ${webUrl}/query-runs/${runId}`);
}
