import { expect } from 'chai';
import fc from 'fast-check';
import type { Log, NewRecord, TopicPartition, TransactionalWriter } from '../../libs/log/log.js';
import type { OpenedLog } from './log-contract.js';

const RUNS = 10;
const STEPS = 1_000;
const TARGETS: readonly TopicPartition[] = [
  { topic: 'left', partition: 0 }, { topic: 'left', partition: 1 }, { topic: 'right', partition: 0 },
];

type Part = { readonly target: number; readonly sizes: readonly number[] };
type Step =
  | { readonly kind: 'append'; readonly appends: readonly Part[] }
  | { readonly kind: 'commit'; readonly writer: number; readonly parts: readonly Part[] }
  | { readonly kind: 'newWriter'; readonly writer: number }
  | { readonly kind: 'read'; readonly target: number; readonly at: number; readonly recordsMax: number; readonly bytesMax: number }
  | { readonly kind: 'reopen' };

const part: fc.Arbitrary<Part> = fc.record({ target: fc.nat(2), sizes: fc.array(fc.nat(40), { maxLength: 8 }) });
const writer = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('append' as const), appends: fc.array(part, { maxLength: 5 }) }) },
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('commit' as const), writer, parts: fc.array(part, { maxLength: 4 }) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('newWriter' as const), writer }) },
  { weight: 54, arbitrary: fc.record({ kind: fc.constant('read' as const), target: fc.nat(2), at: fc.double({ min: 0, max: 1, noNaN: true }), recordsMax: fc.nat(60), bytesMax: fc.nat(900) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);

/** The log as arrays: too simple to be wrong. Old writers are kept, to see that they stay fenced. */
class Model {
  readonly records: readonly NewRecord[][] = TARGETS.map(() => []);
  readonly writers: TransactionalWriter[] = [];
  readonly fenced: TransactionalWriter[] = [];
  #made = 0;

  newRecords(sizes: readonly number[]): NewRecord[] {
    return sizes.map((size) => ({ key: bytes(`${this.#made++}`), value: bytes('v'.repeat(size)) }));
  }

  /** Where the records go, and from now on are. */
  add(target: number, records: readonly NewRecord[]): number {
    const all = this.records[target];
    return (all?.push(...records) ?? 0) - records.length;
  }
}

/** Registers the test of random operations against the model, with a reopen in between where there is one. */
export function modelTest(open: () => Promise<OpenedLog>): void {
  it(`gives what arrays give, over ${RUNS * STEPS} random operations`, async function () {
    this.timeout(120_000);
    const steps = fc.array(step, { minLength: STEPS, maxLength: STEPS, size: 'max' });
    // Shrinking thousands of synced writes would take longer than reading the seed's trace.
    await fc.assert(fc.asyncProperty(steps, (sequence) => runSequence(open, sequence)), { numRuns: RUNS, endOnFailure: true });
  });
}

async function runSequence(open: () => Promise<OpenedLog>, sequence: readonly Step[]): Promise<void> {
  const opened = await open();
  const model = new Model();
  let log = opened.log;
  try {
    await log.createTopic('left', 2);
    await log.createTopic('right', 1);
    for (const next of sequence) {
      if (next.kind === 'reopen') log = await reopen(opened, log, model);
      else await runStep(log, model, next);
    }
    for (const target of TARGETS.keys()) await checkRead(log, model, { target, at: 0, recordsMax: 1e9, bytesMax: 1e9 });
  } finally {
    await opened.close();
  }
}

async function reopen(opened: OpenedLog, log: Log, model: Model): Promise<Log> {
  if (opened.reopen === undefined) return log;
  model.writers.length = 0;
  model.fenced.length = 0; // Those of the log that was closed: they say that it is.
  return opened.reopen();
}

async function runStep(log: Log, model: Model, next: Exclude<Step, { kind: 'reopen' }>): Promise<void> {
  switch (next.kind) {
    case 'append':
      return runAppends(log, model, next.appends);
    case 'commit':
      return runCommit(log, model, next);
    case 'newWriter':
      return runNewWriter(log, model, next.writer);
    case 'read':
      return checkRead(log, model, next);
  }
}

async function runAppends(log: Log, model: Model, appends: readonly Part[]): Promise<void> {
  const running = appends.map(({ target, sizes }) => {
    const records = model.newRecords(sizes);
    return { expected: model.add(target, records), appended: log.append(targetOf(target), records) };
  });
  for (const { expected, appended } of running) expect(await appended).to.equal(expected);
}

async function runCommit(log: Log, model: Model, { writer: index, parts }: Extract<Step, { kind: 'commit' }>): Promise<void> {
  const current = (model.writers[index] ??= await log.writer(`w${index}`));
  const transaction = parts.map(({ target, sizes }) => ({ index: target, target: targetOf(target), records: model.newRecords(sizes) }));
  const zombie = model.fenced.at(-1);
  if (zombie !== undefined) {
    model.fenced.pop();
    const outcome = await zombie.commit(transaction).then(() => 'committed', () => 'refused');
    expect(outcome).to.equal('refused');
  }
  const { offsets } = await current.commit(transaction);
  expect(offsets).to.deep.equal(transaction.map(({ index: target, records }) => model.add(target, records)));
}

async function runNewWriter(log: Log, model: Model, index: number): Promise<void> {
  const newer = await log.writer(`w${index}`);
  const older = model.writers[index];
  if (older !== undefined) {
    expect(newer.epoch).to.be.greaterThan(older.epoch);
    model.fenced.push(older);
  }
  model.writers[index] = newer;
}

/** A read brings a run of the model's records from the offset on, at least one, within the limits. */
async function checkRead(log: Log, model: Model, { target, at, ...limits }: Omit<Extract<Step, { kind: 'read' }>, 'kind'>): Promise<void> {
  const all = model.records[target] ?? [];
  const offset = Math.round(at * all.length);
  const { records, nextOffset } = await log.read(targetOf(target), offset, limits);
  expect(await log.endOffset(targetOf(target))).to.equal(all.length);
  expect(nextOffset).to.equal(offset + records.length);
  expect(records.length).to.be.at.least(Math.min(1, all.length - offset));
  expect(records.length).to.be.at.most(Math.max(1, limits.recordsMax));
  const size = records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  if (records.length > 1) expect(size).to.be.at.most(limits.bytesMax);
  for (const [n, record] of records.entries()) {
    const expected = all[offset + n];
    if (record.offset !== offset + n || !same(record.key, expected?.key) || !same(record.value, expected?.value)) {
      expect.fail(`offset ${offset + n} of target ${target} is not what was written there`);
    }
  }
}

function targetOf(index: number): TopicPartition {
  const target = TARGETS[index];
  if (target === undefined) throw new Error(`no target ${index}`);
  return target;
}

function same(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return right !== undefined && Buffer.compare(left, right) === 0;
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}
