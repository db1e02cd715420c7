import { setTimeout as pause } from 'node:timers/promises';
import { command, CommandError, UsageError, type CommandContext } from './command.js';
import { datasetKeys, entitiesOf } from './entity-argument.js';

const POLL_MS = 200;
/** How long pipelines may take to come past an erasure before `--wait` gives up; the erasure goes on. */
const WAIT_MS_MAX = 600_000;

/** A receipt as `/api/v1/erase` answers with it, as far as it is shown. */
interface Receipt {
  readonly id: string;
  readonly entity: string | null;
  readonly state: 'applying' | 'applied' | 'done';
  readonly rows: number;
  readonly effects: readonly { readonly reader: string; readonly effect: string; readonly reason: string | null; readonly rows: number }[];
  readonly due: readonly { readonly what: string; readonly by: string | null }[];
}

export const erase = command({
  name: 'erase',
  summary: 'erase entities from a dataset and from what was computed of it',
  parameters: '[DATASET]',
  positionalsMax: 1,
  flags: {
    entity: { value: 'ENTITY', short: 'e', many: true, about: 'an entity; field=value,field=value where its key has several fields' },
    receipt: { value: 'ID', about: 'what became of an erasure, instead of asking for one' },
    wait: { about: 'until every pipeline has come past it' },
  },
  examples: ['thyme erase Order -e user_42 --wait', 'thyme erase --receipt er_0123456789abcdef01234567'],
  async run({ positionals: [dataset], flags: { entity = [], receipt, wait } }, context) {
    const asked = receipt === undefined ? await ask(dataset, entity, context) : [await receiptOf(receipt, context)];
    const receipts = wait ? await Promise.all(asked.map((each) => applied(each, context))) : asked;
    for (const each of receipts) show(each, context);
  },
});

async function ask(dataset: string | undefined, texts: readonly string[], { client }: CommandContext): Promise<readonly Receipt[]> {
  if (dataset === undefined) throw new UsageError('name the dataset');
  if (texts.length === 0) throw new UsageError('name an entity with -e');
  const entities = await entitiesOf(texts, () => datasetKeys(dataset, client));
  const { body } = await client.post('/api/v1/erase', { dataset, entity_ids: entities });
  return (body as { readonly receipts: readonly Receipt[] }).receipts;
}

async function receiptOf(id: string, { client }: CommandContext): Promise<Receipt> {
  return (await client.get(`/api/v1/erasures/${encodeURIComponent(id)}`)).body as Receipt;
}

async function applied(receipt: Receipt, context: CommandContext): Promise<Receipt> {
  let now = receipt;
  for (let waitedMs = 0; now.state === 'applying'; waitedMs += POLL_MS) {
    if (waitedMs >= WAIT_MS_MAX)
      throw new CommandError(
        `${receipt.id} is not applied yet: the pipelines are behind; \`thyme erase --receipt ${receipt.id}\` tells more`,
      );
    await pause(waitedMs === 0 ? 0 : POLL_MS);
    now = await receiptOf(receipt.id, context);
  }
  return now;
}

/** The id alone goes to standard output, for scripts, unless JSON is wanted. */
function show(receipt: Receipt, { terminal, json: asJson = false }: CommandContext): void {
  if (asJson) return terminal.out(JSON.stringify(receipt));
  const { id, entity, state, rows, effects, due } = receipt;
  terminal.out(id);
  terminal.err(`${entity ?? 'the entity'}: ${state}, ${rows} row(s) gone so far`);
  for (const { reader, reason } of effects) if (reason !== null) terminal.err(`  ${reader} ${reason}`);
  for (const { what, by } of due) terminal.err(`  due${by === null ? '' : ` by ${by}`}: ${what}`);
}
