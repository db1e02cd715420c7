import { expect } from 'chai';
import fc from 'fast-check';
import type { RangeOptions, Store } from '../../libs/store/store.js';

/** A store under test. */
export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens it again over the same data. Undefined: the driver keeps nothing. */
  readonly reopen?: () => Promise<Store>;
}

/** What every driver of the store contract must do (libs/store/store.ts). */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} keeps the store contract`, () => {
    let opened: OpenedStore;
    let store: Store;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => store.close());

    describeReadsAndWrites(() => store);
    describeRanges(() => store);
    describeSnapshots(() => store);

    it('gives what a sorted array gives, for any operations', async function () {
      this.timeout(60_000);
      await fc.assert(
        fc.asyncProperty(operations, async (steps) => {
          store = await runAgainstModel({ ...opened, store }, steps);
        }),
        { numRuns: 100 },
      );
    });

    it('keeps synced writes over a close and an open', async function () {
      if (opened.reopen === undefined) return this.skip();
      await write(store, [
        ['a', '1'],
        ['b', '2'],
      ]);
      store = await opened.reopen();
      expect(await all(store, {})).to.deep.equal(['a=1', 'b=2']);
    });

    it('answers UNAVAILABLE once it is closed, and closes twice', async () => {
      const snapshot = store.snapshot();
      await store.close();
      await store.close();
      expect(() => store.get(bytes('a')))
        .to.throw()
        .with.property('code', 'THYME_STORE_CLOSED');
      expect(() => snapshot.get(bytes('a')))
        .to.throw()
        .with.property('status', 'UNAVAILABLE');
      expect(() => store.entries({}))
        .to.throw()
        .with.property('code', 'THYME_STORE_CLOSED');
      snapshot.close();
    });
  });
}

function describeReadsAndWrites(current: () => Store): void {
  it('writes a batch as one, the last operation on a key winning', async () => {
    await write(current(), [
      ['a', '1'],
      ['b', '2'],
    ]);
    await write(current(), [
      ['a', undefined],
      ['b', '3'],
      ['c', '4'],
      ['c', '5'],
      ['d', '6'],
      ['d', undefined],
    ]);
    expect(await all(current(), {})).to.deep.equal(['b=3', 'c=5']);
    expect(current().get(bytes('a'))).to.equal(undefined);
    expect(text(current().get(bytes('c')))).to.equal('5');
  });

  it('shows nothing of a batch before it is written', async () => {
    const batch = current().batch();
    batch.put(bytes('a'), bytes('1'));
    expect(current().get(bytes('a'))).to.equal(undefined);
    await batch.write({ sync: false });
    expect(text(current().get(bytes('a')))).to.equal('1');
  });

  it('copies what is put, so that buffers may be used again', async () => {
    const key = bytes('a');
    const value = bytes('1');
    const batch = current().batch();
    batch.put(key, value);
    key.fill(0x7a);
    value.fill(0x7a);
    await batch.write({ sync: true });
    expect(await all(current(), {})).to.deep.equal(['a=1']);
  });

  it('writes a batch once', async () => {
    const batch = current().batch();
    batch.put(bytes('a'), bytes('1'));
    await batch.write({ sync: true });
    expect(await failure(batch.write({ sync: true }))).to.be.instanceOf(Error);
    await write(current(), [['b', '2']]);
    expect(await all(current(), {})).to.deep.equal(['a=1', 'b=2']);
  });

  it('writes an empty batch', async () => {
    await current().batch().write({ sync: true });
    expect(await all(current(), {})).to.deep.equal([]);
  });

  it('tells an empty value from none, and takes an empty key and large values', async () => {
    const large = new Uint8Array(3_000_000).fill(7);
    const batch = current().batch();
    batch.put(bytes('empty'), bytes(''));
    batch.put(bytes(''), bytes('no key'));
    batch.put(bytes('large'), large);
    await batch.write({ sync: true });
    expect(current().get(bytes('empty'))?.length).to.equal(0);
    expect(text(current().get(bytes('')))).to.equal('no key');
    expect(Buffer.compare(current().get(bytes('large')) ?? bytes(''), large)).to.equal(0);
  });
}

function describeRanges(current: () => Store): void {
  it('orders keys as unsigned bytes', async () => {
    const keys = [[0xff], [0x80, 0], [0x80], [0x7f], [0], [0, 0], [0xff, 0xff]];
    const batch = current().batch();
    for (const key of keys) batch.put(Uint8Array.from(key), bytes('x'));
    await batch.write({ sync: true });
    const found: string[] = [];
    for await (const [key] of current().entries({})) found.push(Buffer.from(key).toString('hex'));
    expect(found).to.deep.equal(['00', '0000', '7f', '80', '8000', 'ff', 'ffff']);
  });

  it('gives ranges with the start and without the end, forwards and backwards, limited', async () => {
    await write(current(), [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
    ]);
    const range = { from: bytes('b'), to: bytes('d') };
    expect(await all(current(), range)).to.deep.equal(['b=2', 'c=3']);
    expect(await all(current(), { ...range, reverse: true })).to.deep.equal(['c=3', 'b=2']);
    expect(await all(current(), { ...range, reverse: true, limit: 1 })).to.deep.equal(['c=3']);
    expect(await all(current(), { from: bytes('bb') })).to.deep.equal(['c=3', 'd=4']);
    expect(await all(current(), { to: bytes('bb'), limit: 1 })).to.deep.equal(['a=1']);
    expect(await all(current(), { from: bytes('d'), to: bytes('b') })).to.deep.equal([]);
    expect(await all(current(), { limit: 0 })).to.deep.equal([]);
  });

  it('gives a range as of the call, whatever is written meanwhile', async () => {
    await write(current(), [
      ['a', '1'],
      ['b', '2'],
    ]);
    const entries = current().entries({});
    await write(current(), [
      ['a', 'changed'],
      ['b', undefined],
      ['c', 'new'],
    ]);
    expect(await collect(entries)).to.deep.equal(['a=1', 'b=2']);
  });

  it('lets a range be left early', async () => {
    await write(current(), [
      ['a', '1'],
      ['b', '2'],
    ]);
    for await (const [key] of current().entries({})) {
      expect(text(key)).to.equal('a');
      break;
    }
  });
}

function describeSnapshots(current: () => Store): void {
  it('reads a snapshot as of its making, until it is closed', async () => {
    await write(current(), [
      ['a', '1'],
      ['b', '2'],
    ]);
    const snapshot = current().snapshot();
    await write(current(), [
      ['a', 'changed'],
      ['b', undefined],
      ['c', 'new'],
    ]);
    const seen = ['a', 'b', 'c'].map((key) => text(snapshot.get(bytes(key))));
    expect(seen).to.deep.equal(['1', '2', undefined]);
    snapshot.close();
    expect(() => snapshot.get(bytes('a'))).to.throw();
  });
}

type Step =
  | { readonly kind: 'write'; readonly operations: readonly (readonly [string, string | null])[] }
  | { readonly kind: 'get'; readonly key: string }
  | {
      readonly kind: 'range';
      readonly from: string | null;
      readonly to: string | null;
      readonly limit: number | null;
      readonly reverse: boolean;
    };

const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\u007f'), maxLength: 3 });
const operations: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('write' as const),
      operations: fc.array(fc.tuple(key, fc.option(fc.string({ maxLength: 4 }))), { maxLength: 5 }),
    }),
    fc.record({ kind: fc.constant('get' as const), key }),
    fc.record({
      kind: fc.constant('range' as const),
      from: fc.option(key),
      to: fc.option(key),
      limit: fc.option(fc.nat(5)),
      reverse: fc.boolean(),
    }),
  ),
  { maxLength: 30 },
);

async function runAgainstModel(opened: OpenedStore, steps: readonly Step[]): Promise<Store> {
  const model = new Map<string, string>();
  for await (const [stored] of opened.store.entries({})) await write(opened.store, [[text(stored) ?? '', undefined]]);
  for (const step of steps) {
    if (step.kind === 'write') {
      for (const [k, v] of step.operations) v === null ? model.delete(k) : model.set(k, v);
      await write(
        opened.store,
        step.operations.map(([k, v]) => [k, v ?? undefined]),
        false,
      );
    } else if (step.kind === 'get') {
      expect(text(opened.store.get(bytes(step.key)))).to.equal(model.get(step.key));
    } else {
      expect(await all(opened.store, toRange(step))).to.deep.equal(modelRange(model, step));
    }
  }
  const store = (await opened.reopen?.()) ?? opened.store;
  expect(await all(store, {})).to.deep.equal(modelRange(model, { from: null, to: null, limit: null, reverse: false }));
  return store;
}

function toRange(step: Omit<Extract<Step, { kind: 'range' }>, 'kind'>): RangeOptions {
  return {
    ...(step.from === null ? {} : { from: bytes(step.from) }),
    ...(step.to === null ? {} : { to: bytes(step.to) }),
    ...(step.limit === null ? {} : { limit: step.limit }),
    reverse: step.reverse,
  };
}

/** The keys are ASCII, so strings compare as their bytes do. */
function modelRange(model: ReadonlyMap<string, string>, range: Omit<Extract<Step, { kind: 'range' }>, 'kind'>): string[] {
  const keys = [...model.keys()].filter((k) => (range.from === null || k >= range.from) && (range.to === null || k < range.to)).sort();
  if (range.reverse) keys.reverse();
  return keys.slice(0, range.limit ?? keys.length).map((k) => `${k}=${model.get(k)}`);
}

async function write(store: Store, operations: readonly (readonly [string, string | undefined])[], sync = true): Promise<void> {
  const batch = store.batch();
  for (const [k, value] of operations) {
    if (value === undefined) batch.delete(bytes(k));
    else batch.put(bytes(k), bytes(value));
  }
  await batch.write({ sync });
}

function all(store: Store, range: RangeOptions): Promise<string[]> {
  return collect(store.entries(range));
}

async function collect(entries: AsyncIterable<readonly [Uint8Array, Uint8Array]>): Promise<string[]> {
  const found: string[] = [];
  for await (const [k, value] of entries) found.push(`${text(k)}=${text(value)}`);
  return found;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function bytes(value: string): Uint8Array {
  return Uint8Array.from(Buffer.from(value, 'utf8'));
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('utf8');
}
