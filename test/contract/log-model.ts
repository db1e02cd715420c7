import { expect } from 'chai';
import fc from 'fast-check';
import type { Log, NewRecord, TopicPartition, TransactionalWriter } from '../../libs/log/log.js';
import type { OpenedLog } from './opened-log.js';

const RUNS = 10;
const STEPS = 1_000;
const TARGETS: readonly TopicPartition[] = [
  { topic: 'left', partition: 0 },
  { topic: 'left', partition: 1 },
  { topic: 'right', partition: 0 },
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
  {
    weight: 54,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      target: fc.nat(2),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      recordsMax: fc.nat(60),
      bytesMax: fc.nat(900),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);

type PlacedRecord = NewRecord & { readonly offset: number };

/** The log as arrays: too simple to be wrong. Old writers are kept, to see that they stay fenced. */
class Model {
  readonly records: readonly PlacedRecord[][] = TARGETS.map(() => []);
  readonly writers: TransactionalWriter[] = [];
  readonly fenced: TransactionalWriter[] = [];
  /** Offsets are places in the array: nothing but records takes any. */
  readonly dense: boolean;
  #made = 0;

  constructor(dense: boolean) {
    this.dense = dense;
  }

  newRecords(sizes: readonly number[]): NewRecord[] {
    return sizes.map((size) => ({ key: bytes(`${this.#made++}`), value: bytes('v'.repeat(size)) }));
  }

  /** The log says that the records are at this offset: it must be the next one, or a later one where there are gaps. */
  add(target: number, records: readonly NewRecord[], offset: number): void {
    const all = this.records[target] ?? [];
    const end = (all.at(-1)?.offset ?? -1) + 1;
    if (this.dense) expect(offset).to.equal(end);
    else expect(offset).to.be.at.least(end);
    for (const [n, record] of records.entries()) all.push({ ...record, offset: offset + n });
  }

  /** Ends and next offsets are exact where there are no gaps; elsewhere no later than the next record. */
  checkOffset(offset: number, atLeast: number, atMost: number): void {
    if (this.dense) expect(offset).to.equal(atLeast);
    else expect(offset).to.be.at.least(atLeast).and.at.most(atMost);
  }
}

/** Registers the test of random operations against the model, with a reopen in between where there is one. */
export function modelTest(open: () => Promise<OpenedLog>, runs = RUNS): void {
  it(`gives what arrays give, over ${runs * STEPS} random operations`, async function () {
    this.timeout(120_000);
    const steps = fc.array(step, { minLength: STEPS, maxLength: STEPS, size: 'max' });
    // Shrinking thousands of synced writes would take longer than reading the seed's trace.
    await fc.assert(
      fc.asyncProperty(steps, (sequence) => runSequence(open, sequence)),
      { numRuns: runs, endOnFailure: true },
    );
  });
}

async function runSequence(open: () => Promise<OpenedLog>, sequence: readonly Step[]): Promise<void> {
  const opened = await open();
  const model = new Model(opened.marksTransactions !== true);
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
    return { target, records, appended: log.append(targetOf(target), records) };
  });
  for (const { target, records, appended } of running) model.add(target, records, await appended);
}

async function runCommit(log: Log, model: Model, { writer: index, parts }: Extract<Step, { kind: 'commit' }>): Promise<void> {
  const current = (model.writers[index] ??= await log.writer(`w${index}`));
  const transaction = parts.map(({ target, sizes }) => ({ index: target, target: targetOf(target), records: model.newRecords(sizes) }));
  const zombie = model.fenced.at(-1);
  if (zombie !== undefined) {
    model.fenced.pop();
    const outcome = await zombie.commit(transaction).then(
      () => 'committed',
      () => 'refused',
    );
    expect(outcome).to.equal('refused');
  }
  const { offsets } = await current.commit(transaction);
  for (const [n, { index: target, records }] of transaction.entries()) {
    // An empty part says where the next record would go; with markers that is past its own transaction's.
    if (records.length > 0 || model.dense) model.add(target, records, offsets[n] ?? -1);
  }
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
  const index = Math.round(at * all.length);
  const end = (all.at(-1)?.offset ?? -1) + 1;
  const offset = all[index]?.offset ?? end;
  const { records, nextOffset } = await log.read(targetOf(target), offset, limits);
  model.checkOffset(await log.endOffset(targetOf(target)), end, Number.POSITIVE_INFINITY);
  model.checkOffset(
    nextOffset,
    (records.at(-1)?.offset ?? offset - 1) + 1,
    all[index + records.length]?.offset ?? Number.POSITIVE_INFINITY,
  );
  expect(records.length).to.be.at.least(Math.min(1, all.length - index));
  expect(records.length).to.be.at.most(Math.max(1, limits.recordsMax));
  const size = records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  if (records.length > 1) expect(size).to.be.at.most(limits.bytesMax);
  for (const [n, record] of records.entries()) {
    const expected = all[index + n];
    if (record.offset !== expected?.offset || !same(record.key, expected.key) || !same(record.value, expected.value)) {
      expect.fail(`offset ${record.offset} of target ${target} is not what was written there`);
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
