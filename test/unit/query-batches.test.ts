import { expect } from 'chai';
import type { Definitions } from '../../libs/definition/definitions.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { BatchInput, BatchPart, OfflineQuestion } from '../../services/query/answers.js';
import { ANSWER_CHUNK_BYTES, BATCH_HELD_BYTES } from '../../services/query/query-limits.js';
import { caller, feature, featureset, NOON_US, optional, QueryWorld, types } from '../support/query-world.js';

const priced = featureset(
  'Priced',
  [
    feature('user_id', types.string),
    feature('surge', types.float, { input: true }),
    feature('city', types.string, { input: true, default: 'nowhere' }),
    feature('note', optional(types.string), { input: true }),
    feature('text', types.string),
  ],
  { extractors: [{ name: 'text', inputs: ['user_id', 'surge'], outputs: ['text'], function: 'text' }] },
);
const definitions: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [priced] };

/** A text as long as the row's input says, in thousands; below 0 it fails. */
function text(_: unknown, { surge }: { readonly surge: number }): { readonly text: string } {
  if (surge < 0) throw new Error('below nothing');
  return { text: 'x'.repeat(surge * 1_000) };
}

const world = (): Promise<QueryWorld> => QueryWorld.create({ definitions, functions: { text: text as never } });

async function failureOf(promise: Promise<unknown>): Promise<ThymeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ThymeError) return error;
  throw new Error(`expected a ThymeError, got ${String(error)}`);
}

const surgeOf = (surge: number): ReadonlyMap<string, unknown> => new Map([['surge', surge]]);
const users = (count: number): string[] => Array.from({ length: count }, (_, i) => `u${i}`);

async function partsOf(made: QueryWorld, input: Omit<BatchInput, 'featureset'>): Promise<readonly BatchPart[]> {
  const parts: BatchPart[] = [];
  await made.engine.streamBatch({ featureset: 'Priced', ...input }, caller, (part) => void parts.push(part));
  return parts;
}

describe('batches and training sets', () => {
  it('fill in what inputs leave out: a default, or null', async () => {
    const { rows } = await (await world()).engine.queryBatch({ featureset: 'Priced', entities: ['a'], inputs: surgeOf(0) }, caller);
    expect(rows).to.deep.equal([['a', 0, 'nowhere', null, '']]);
  });

  it('refuse the row before any is handed on, by its number in the whole', async () => {
    const made = await world();
    const inputs = users(300).map((_, i) => (i === 299 ? new Map() : surgeOf(1)));
    let handed = 0;
    const ask = (rowNumbers?: readonly number[]) =>
      failureOf(
        made.engine.streamBatch({ featureset: 'Priced', entities: users(300), inputs, rowNumbers }, caller, () => {
          handed++;
        }),
      );
    expect((await ask()).message).to.match(/^inputs\[299\]\.surge: required, but missing/);
    expect((await ask(users(300).map((_, i) => i * 7))).message).to.match(/^inputs\[2093\]\.surge: /);
    expect(handed).to.equal(0);
  });

  it('are handed on in parts of about a megabyte, in their order', async () => {
    const parts = await partsOf(await world(), { entities: users(400), inputs: surgeOf(50) });
    for (const { bytes } of parts) expect(bytes).to.be.at.most(ANSWER_CHUNK_BYTES + 60_000);
    expect(parts.length).to.be.within(18, 24);
    expect(parts.flatMap(({ rows }) => rows.map(([user]) => user))).to.deep.equal(users(400));
    expect(parts[0]?.head).to.include({ featureset: 'Priced', asOfUs: NOON_US });
  });

  it('are one part where they are small, and without entities too', async () => {
    const made = await world();
    expect((await partsOf(made, { entities: users(2_000), inputs: surgeOf(0) })).map(({ rows }) => rows.length)).to.deep.equal([2_000]);
    expect((await partsOf(made, { entities: [] })).map(({ rows }) => rows.length)).to.deep.equal([0]);
  });

  it('hold the beginning back, so that what fails there fails before anything is handed on', async () => {
    const made = await world();
    const count = Math.floor(BATCH_HELD_BYTES / 50_000);
    const failing = async (row: number): Promise<readonly [number, string]> => {
      let handed = 0;
      const inputs = users(2 * count).map((_, i) => surgeOf(i === row ? -1 : 50));
      const input = { featureset: 'Priced', entities: users(2 * count), inputs };
      const error = await failureOf(made.engine.streamBatch(input, caller, ({ rows }) => void (handed += rows.length)));
      return [handed, error.message];
    };
    const [early, earlyWords] = await failing(count - 20);
    expect([early, earlyWords.startsWith(`entities[${count - 20}]`)], earlyWords).to.deep.equal([0, true]);
    const [late, lateWords] = await failing(2 * count - 1);
    expect(late).to.be.within(count, 2 * count - 1);
    expect(lateWords).to.match(new RegExp(`^entities\\[${2 * count - 1}\\]`));
    expect(made.runs.map(({ error }) => error !== undefined)).to.deep.equal([true, true]);
  });

  it('are refused whole where one message could not hold them', async () => {
    const error = await failureOf(
      (await world()).engine.queryBatch({ featureset: 'Priced', entities: users(600), inputs: surgeOf(50) }, caller),
    );
    expect([error.code, error.status]).to.deep.equal(['THYME_ANSWER_TOO_LARGE', 'RESOURCE_EXHAUSTED']);
  });

  it('are taken up to the limit, and not as many inputs as entities are told', async () => {
    const made = await world();
    const over = await failureOf(made.engine.queryBatch({ featureset: 'Priced', entities: users(100_001) }, caller));
    expect(over.message).to.match(/^entities: 100001 are over the limit of 100000/);
    const fewer = await failureOf(made.engine.queryBatch({ featureset: 'Priced', entities: users(2), inputs: [surgeOf(1)] }, caller));
    expect(fewer.message).to.match(/^inputs: 1 for 2 entities/);
  });

  it('offline: judge the last question before the first is answered, where that is wanted', async () => {
    const made = await world();
    async function* questions(): AsyncGenerator<readonly OfflineQuestion[]> {
      for (let message = 0; message < 3; message++)
        yield await Promise.resolve(
          users(400).map((entity, i): OfflineQuestion => ({
            entity,
            timestampUs: NOON_US,
            inputs: message === 2 && i === 399 ? new Map([['surg', 1]]) : surgeOf(0),
          })),
        );
    }
    const answered = async (judgeFirst: boolean): Promise<readonly [number, string]> => {
      let rows = 0;
      try {
        for await (const chunk of made.engine.queryOffline({ featureset: 'Priced', judgeFirst }, questions(), caller).rows)
          rows += chunk.length;
      } catch (error) {
        return [rows, error instanceof Error ? error.message : ''];
      }
      return [rows, ''];
    };
    const words = "queries[1199].inputs.surg: Priced has no such input; did you mean 'surge'?";
    expect(await answered(true)).to.deep.equal([0, words]);
    expect(await answered(false)).to.deep.equal([800, words]);
  });
});
