// Streams whose shards split and merge at random, read by whoever chooses at random among the shards whose turn it is, and broken off
// at random: against an oracle that only knows in what order records of a key were written.
import { expect } from 'chai';
import fc from 'fast-check';
import { hasChildren, type KnownShard, readyShards } from '../../libs/source/kinesis/shard-tree.js';
import { StreamPosition } from '../../libs/source/kinesis/stream-position.js';

const HASH_KEYS = 64n;
const KEYS = 12;

interface ModelShard extends KnownShard {
  readonly records: { readonly sequence: bigint; readonly key: number; readonly n: number }[];
  isOpen: boolean;
}

/** What happens to the stream: a record of a key, a split, a merge of neighbours. */
type Step = { readonly kind: 'put'; readonly key: number } | { readonly kind: 'split' | 'merge'; readonly which: number };

class Model {
  readonly shards: ModelShard[] = [];
  readonly written = new Map<number, number[]>();
  #sequence = 1n;
  #n = 0;

  constructor(shards: number) {
    for (let i = 0n; i < BigInt(shards); i++) this.#add([], (HASH_KEYS * i) / BigInt(shards), (HASH_KEYS * (i + 1n)) / BigInt(shards) - 1n);
  }

  apply(step: Step): void {
    const open = this.shards.filter(({ isOpen }) => isOpen).sort((a, b) => Number(a.hashFrom - b.hashFrom));
    if (step.kind === 'put') return this.#put(step.key, open);
    const shard = open[step.which % open.length];
    if (shard === undefined) return;
    if (step.kind === 'split') {
      if (shard.hashFrom === shard.hashTo) return;
      const middle = (shard.hashFrom + shard.hashTo) / 2n;
      shard.isOpen = false;
      this.#add([shard.id], shard.hashFrom, middle);
      this.#add([shard.id], middle + 1n, shard.hashTo);
      return;
    }
    const right = open[(step.which % open.length) + 1];
    if (right === undefined) return;
    shard.isOpen = right.isOpen = false;
    this.#add([shard.id, right.id], shard.hashFrom, right.hashTo);
  }

  /** Closed shards of the first so many made: their records have left the retention. */
  listed(expired: number): Map<string, KnownShard> {
    return new Map(this.shards.filter(({ isOpen }, i) => isOpen || i >= expired).map((shard) => [shard.id, shard]));
  }

  #put(key: number, open: readonly ModelShard[]): void {
    const hash = BigInt((key * 37) % Number(HASH_KEYS));
    const shard = open.find(({ hashFrom, hashTo }) => hashFrom <= hash && hash <= hashTo);
    shard?.records.push({ sequence: (this.#sequence += 10n ** 20n), key, n: this.#n });
    this.written.set(key, [...(this.written.get(key) ?? []), this.#n++]);
  }

  #add(parents: readonly string[], hashFrom: bigint, hashTo: bigint): void {
    const id = `shardId-${String(this.shards.length).padStart(12, '0')}`;
    this.shards.push({ id, parents, hashFrom, hashTo, records: [], isOpen: true });
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key: fc.nat({ max: KEYS - 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('split' as const, 'merge' as const), which: fc.nat({ max: 30 }) }) },
);

/** Reads some records of one of the shards whose turn it is; what is committed survives the reader. */
class Reader {
  readonly got = new Map<number, number[]>();
  #committed: string;

  constructor(begun: StreamPosition) {
    this.#committed = JSON.stringify(begun.encode());
  }

  /** How many it read; of a reader that is killed nothing remains. */
  turn(model: Model, choice: number, isKilled: boolean): number {
    const at = StreamPosition.decode(JSON.parse(this.#committed) as never);
    const shards = model.listed(0);
    const ready = readyShards(shards, at);
    const shard = ready[choice % Math.max(1, ready.length)];
    if (shard === undefined) return 0;
    at.start(shard, 0);
    const { after } = at.place(shard.id);
    const { records, isOpen } = model.shards.find(({ id }) => id === shard.id) ?? { records: [], isOpen: true };
    const rest = records.filter(({ sequence }) => after === undefined || sequence > BigInt(after));
    const taken = rest.slice(0, 1 + (choice % 4));
    for (const { sequence } of taken) at.take(shard.id, sequence.toString(), undefined);
    if (!isOpen && taken.length === rest.length) at.end(shard.id);
    if (isKilled) return taken.length;
    for (const { key, n } of taken) this.got.set(key, [...(this.got.get(key) ?? []), n]);
    this.#committed = JSON.stringify(at.encode());
    return taken.length;
  }

  get position(): StreamPosition {
    return StreamPosition.decode(JSON.parse(this.#committed) as never);
  }
}

const BEGIN = { identity: 'a', startMs: 0, fromMs: undefined };

describe('shards of a stream that splits and merges', () => {
  it('give each record once, and those of a key in the order in which they were written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.oneof(step, fc.record({ choice: fc.nat({ max: 1_000 }), isKilled: fc.boolean() })), { maxLength: 120 }),
        fc.infiniteStream(fc.nat({ max: 1_000 })),
        (shards, events, choices) => {
          const model = new Model(shards);
          const reader = new Reader(StreamPosition.begin({ ...BEGIN, shards: [...model.listed(0).keys()] }));
          for (const event of events) {
            if ('kind' in event) model.apply(event);
            else reader.turn(model, event.choice, event.isKilled);
          }
          // In the end it is read as far as it goes: a turn at each shard, several times over.
          for (let turn = 0; turn < 40 * (model.shards.length + 1); turn++) reader.turn(model, choices.next().value, false);
          for (let left = 1, i = 0; left > 0 && i < 10_000; i++) {
            left = 0;
            for (let choice = 0; choice < 4 * model.shards.length; choice++) left += reader.turn(model, choice, false);
          }
          expect([...reader.got].sort(([a], [b]) => a - b)).to.deep.equal([...model.written].sort(([a], [b]) => a - b));
          for (const { id, isOpen } of model.shards) expect(reader.position.hasEnded(id), id).to.equal(!isOpen);
        },
      ),
    );
  });

  it('wait for no parent that has left the retention, and for each that has not', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.nat({ max: 20 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        (steps, expired, ended) => {
          const model = new Model(2);
          for (const one of steps) model.apply(one);
          const listed = model.listed(expired);
          const at = StreamPosition.begin({ ...BEGIN, shards: [...listed.keys()] });
          for (const [i, { id, isOpen }] of model.shards.entries()) if (!isOpen && listed.has(id) && ended[i] === true) at.end(id);
          const ready = new Set(readyShards(listed, at).map(({ id }) => id));
          for (const { id, parents } of listed.values()) {
            const isFree = !at.hasEnded(id) && parents.every((parent) => !listed.has(parent) || at.hasEnded(parent));
            expect(ready.has(id), id).to.equal(isFree);
            expect(hasChildren(listed, id)).to.equal([...listed.values()].some((other) => other.parents.includes(id)));
          }
          if ([...listed.values()].some(({ id }) => !at.hasEnded(id))) expect(ready.size).to.be.at.least(1);
        },
      ),
    );
  });

  it('are forgotten once they are listed no more and out of the retention, and not before', () => {
    const model = new Model(1);
    model.apply({ kind: 'split', which: 0 });
    const at = StreamPosition.begin({ ...BEGIN, startMs: 1_000, shards: [...model.listed(0).keys()] });
    const [parent = '', child = ''] = model.shards.map(({ id }) => id);
    at.end(parent);
    at.forget(model.listed(0), Number.MAX_SAFE_INTEGER);
    expect(at.hasEnded(parent)).to.equal(true);
    at.forget(model.listed(1), 3_600_000);
    expect(at.hasEnded(parent)).to.equal(true);
    at.forget(model.listed(1), 3_602_000);
    expect([at.has(parent), at.has(child)]).to.deep.equal([false, true]);
  });
});
