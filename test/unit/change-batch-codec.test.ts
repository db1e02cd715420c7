import { expect } from 'chai';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { Applier } from '../../libs/change/applier.js';
import { checkBatch, crcOf, decodeBatch, encodeBatch, type EncodedBatch } from '../../libs/change/batch-codec.js';
import type { Change, CommitRecord } from '../../libs/change/change.js';
import { readBatches, toPieces } from '../../libs/change/changelog.js';
import { decodeCommit, encodeCommit } from '../../libs/change/commit-codec.js';
import { digestStore } from '../../libs/change/digest.js';
import { revisionKey } from '../../libs/change/state-keys.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { crc32 } from 'node:zlib';

const commit = (seq: number): CommitRecord => ({
  epoch: 3,
  seq,
  prevSeq: seq - 1,
  revision: 2,
  clockUs: 1_700_000_000_000_001,
  positions: [
    { readerId: 1, topic: 'd.Order.v1', partition: 0, nextOffset: 2 ** 40, caughtUp: true },
    { readerId: 2, topic: 'd.Order.v1', partition: 1, nextOffset: 0, caughtUp: false },
  ],
  cursors: [{ readerId: 0, topic: 'd.rekey', partition: 7, nextOffset: 9, caughtUp: true }],
  hops: [{ readerId: 2, stage: 1, sender: 4, source: 4, nextOffset: 12, caughtUp: false }],
  counters: [
    {
      readerId: 1,
      read: 9,
      received: 8,
      sent: 7,
      applied: 6,
      filtered: 5,
      late: 4,
      duplicate: 3,
      dead: 2,
      failed: 1,
      watermarkUs: Number.NEGATIVE_INFINITY,
      lateRight: 0,
      joinedUs: Number.NEGATIVE_INFINITY,
      ended: 0,
      unpublished: 0,
      erased: 0,
      outdated: 0,
    },
  ],
});

const revision = {
  number: 2,
  createdUs: 5,
  definitions: { datasets: [], sources: [], pipelines: [], featuresets: [] },
  bundle: { sha256: '', code: '' },
  timelines: [
    {
      name: 'A.b',
      version: 1,
      id: 1,
      measures: [
        { of: 'x', digest: false, type: { kind: 'float', optional: false } },
        { of: 's', digest: false, type: { kind: 'string', optional: true } },
      ],
    },
  ],
} as const;

const changes: readonly Change[] = [
  { kind: 'revision', revision },
  {
    kind: 'rows',
    timelineId: 1,
    groupKey: Buffer.from('key'),
    rows: [
      { eventTimeUs: -5, orderSource: 4_097, orderOffset: 2 ** 45, knownUs: 7, values: [-0.5, Buffer.from('ü')] },
      { eventTimeUs: 6, orderSource: 0, orderOffset: 0, knownUs: 8, values: [null, null] },
    ],
  },
  { kind: 'seen', readerId: 1, partition: 3, producerId: 'p', highest: 77, bitmap: Buffer.alloc(512, 0x5a) },
  { kind: 'lane', readerId: 1, partition: 3, lane: 'push', watermarkUs: 5.5e14 },
  { kind: 'ready', timelineId: 1 },
  { kind: 'trimmed', timelineId: 1, horizonUs: 12 },
];

function withCrc(body: Uint8Array): Uint8Array {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(body));
  return Buffer.concat([body, crc]);
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof ThymeError ? error.code : String(error);
  }
}

describe('change batch', () => {
  it('comes back as it was', () => {
    const batch = encodeBatch(changes, commit(8));
    expect(batch).to.include({ epoch: 3, seq: 8, prevSeq: 7 });
    expect(decodeBatch(batch.bytes)).to.deep.equal({ changes, commit: commit(8), crc: crcOf(batch.bytes) });
    expect(decodeCommit(encodeCommit(commit(8)))).to.deep.equal(commit(8));
  });

  it('keeps the books of joins in a format of their own, and the one before where nothing was joined (S24)', () => {
    const books = commit(8).counters;
    const [formerly] = encodeCommit(commit(8));
    expect(formerly).to.equal(1);
    const joined: CommitRecord = {
      ...commit(8),
      counters: [...books, ...books.map((of) => ({ ...of, readerId: 2, lateRight: 3, joinedUs: 5.5e14 }))],
    };
    const bytes = encodeCommit(joined);
    expect(bytes[0]).to.equal(2);
    expect(decodeCommit(bytes)).to.deep.equal(joined);
  });

  it('is refused when any byte is wrong, or missing', () => {
    const { bytes } = encodeBatch(changes, commit(8));
    for (let i = 1; i < bytes.length; i += 7) {
      const broken = Uint8Array.from(bytes);
      broken[i] = (broken[i] ?? 0) ^ 0x10;
      expect(
        codeOf(() => checkBatch(broken)),
        `byte ${i}`,
      ).to.equal('THYME_CORRUPT');
      expect(
        codeOf(() => checkBatch(bytes.subarray(0, i))),
        `cut at ${i}`,
      ).to.equal('THYME_CORRUPT');
    }
  });

  it('stops a reader that does not know its format, or one of its changes (C3)', () => {
    const { bytes } = encodeBatch([{ kind: 'ready', timelineId: 1 }], commit(8));
    const newer = Uint8Array.from(bytes);
    newer[0] = 4;
    expect(codeOf(() => checkBatch(newer))).to.equal('THYME_FORMAT_NEWER');
    const body = Uint8Array.from(bytes.subarray(0, -4));
    body[25] = 99; // the kind of the first change
    expect(codeOf(() => decodeBatch(withCrc(body)))).to.equal('THYME_CHANGE_UNKNOWN');
  });
});

describe('applier', () => {
  it('writes the same bytes for the same batches, and loads what it wrote (C2)', async () => {
    const batch = encodeBatch(changes, { ...commit(1) });
    const [a, b] = [new MemoryStore(), new MemoryStore()];
    for (const store of [a, b]) await applyBatch(await Applier.open(store), batch);
    expect(await digestStore(a)).to.deep.equal(await digestStore(b));
    const { state } = await Applier.open(a);
    expect(state.commit).to.deep.equal(commit(1));
    expect(state.revisions).to.deep.equal([revision]);
    expect([...state.ready]).to.deep.equal([1]);
    expect([...state.horizons]).to.deep.equal([[1, 12]]);
  });

  it('drops a repeat, refuses a gap, and stops at a timeline that nobody named (C3, C4)', async () => {
    const store = new MemoryStore();
    const applier = await Applier.open(store);
    expect(await applyBatch(applier, encodeBatch(changes, commit(1)))).to.equal('applied');
    expect(await applyBatch(applier, encodeBatch([], commit(1)))).to.equal('repeat');
    const before = await digestStore(store);
    const gap = await applyBatch(applier, encodeBatch([], commit(3))).catch((error: unknown) => error);
    expect(gap).to.be.instanceOf(ThymeError).with.property('code', 'THYME_CHANGES_GAP');
    const unknown = await applyBatch(
      applier,
      encodeBatch(
        [
          { kind: 'ready', timelineId: 5 },
          { kind: 'rows', timelineId: 9, groupKey: Buffer.from('k'), rows: [] },
        ],
        commit(2),
      ),
    ).catch((error: unknown) => error);
    expect(unknown).to.be.instanceOf(ThymeError).with.property('code', 'THYME_TIMELINE_UNKNOWN');
    expect(await digestStore(store)).to.deep.equal(before);
    expect(applier.state.ready.has(5)).to.equal(false);
    expect(await applyBatch(applier, encodeBatch([], commit(2)))).to.equal('applied');
  });

  it('shows the tick before while a batch is being written (S15)', async () => {
    const inner = new MemoryStore();
    let release = (): void => undefined;
    const store = {
      get: (key: Uint8Array) => inner.get(key),
      snapshot: () => inner.snapshot(),
      entries: (range: object) => inner.entries(range),
      close: () => inner.close(),
      batch: () => {
        const batch = inner.batch();
        return {
          put: (key: Uint8Array, value: Uint8Array) => batch.put(key, value),
          delete: (key: Uint8Array) => batch.delete(key),
          // As LevelDB does: the batch is there before its promise has resolved.
          write: async (options: { readonly sync: boolean }) => {
            await batch.write(options);
            await new Promise<void>((resolve) => (release = resolve));
          },
        };
      },
    };
    const applier = await Applier.open(store);
    applier.fold({ kind: 'revision', revision });
    const writing = applier.commit(commit(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(inner.get(revisionKey(2))).to.not.equal(undefined);
    expect(applier.reader().get(revisionKey(2))).to.equal(undefined);
    const held = applier.snapshot();
    expect(applier.seq).to.equal(0);
    release();
    await writing;
    expect(applier.reader().get(revisionKey(2))).to.not.equal(undefined);
    expect(held.get(revisionKey(2)), 'a snapshot stays at its tick').to.equal(undefined);
    held.close();
  });
});

describe('changelog', () => {
  const topic = { topic: 'changes', partition: 0 };

  async function filled(count: number): Promise<{ readonly log: MemoryLog; readonly batches: EncodedBatch[] }> {
    const log = new MemoryLog();
    await log.createTopic(topic.topic, 1);
    const large = Buffer.alloc(60_000, 1);
    const batches = Array.from({ length: count }, (_, i) => {
      // Every third of them takes several pieces.
      const rows = Array.from({ length: i % 3 === 2 ? 20 : 1 }, (_row, at) => ({
        eventTimeUs: at,
        orderSource: 0,
        orderOffset: at,
        knownUs: 0,
        values: [1, large],
      }));
      return encodeBatch([{ kind: 'rows', timelineId: 1, groupKey: Buffer.from('k'), rows }], commit(i + 1));
    });
    for (const batch of batches) await log.append(topic, toPieces(batch));
    return { log, batches };
  }

  it('gives the batches from any seq on, whole', async () => {
    const { log, batches } = await filled(20);
    expect(toPieces(batches[2] ?? encodeBatch([], commit(1))).length).to.be.greaterThan(2);
    for (const fromSeq of [1, 2, 3, 4, 11, 20, 21]) {
      const found: EncodedBatch[] = [];
      for await (const batch of readBatches(log, topic, fromSeq)) found.push(batch);
      expect(found.map(({ seq }) => seq)).to.deep.equal(batches.slice(fromSeq - 1).map(({ seq }) => seq));
      expect(found.every((batch) => Buffer.compare(batch.bytes, batches[batch.seq - 1]?.bytes ?? new Uint8Array()) === 0)).to.equal(true);
    }
  });

  it('says so when the first of them is gone', async () => {
    const log = new MemoryLog();
    await log.createTopic(topic.topic, 1);
    await log.append(topic, toPieces(encodeBatch([], commit(5))));
    const read = async (): Promise<void> => {
      for await (const batch of readBatches(log, topic, 3)) expect(batch.seq).to.equal(0);
    };
    expect(await read().catch((error: unknown) => error))
      .to.be.instanceOf(ThymeError)
      .with.property('code', 'THYME_CHANGES_TRIMMED');
  });
});
