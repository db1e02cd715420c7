// Objects of a bucket as a source, on two servers that speak S3's protocol: each row of each object once, whatever happens to
// objects meanwhile.
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { s3Connector } from '../../libs/source/s3/s3-connector.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { componentOrSkip } from '../support/component.js';
import { eventually } from '../support/eventually.js';
import { moto, s3rver, type S3Server } from '../support/s3-servers.js';
import { numberDataset, SourcesFixture } from './sources-fixture.js';

const EVERY_MS = 5_000;
/** More than a page of a listing; 10,000 by the environment. */
const OBJECTS = Number(process.env['THYME_TEST_OBJECTS'] ?? 1_010);
const UPLOADS_AT_ONCE = 16;
/** To put one there and to read it, on a server in Python that shares a busy machine. */
const OBJECT_MS_MAX = 120;

for (const kind of [moto, s3rver]) {
  describe(`the s3 source on ${kind.name}`, function () {
    this.timeout(60_000 + OBJECTS * OBJECT_MS_MAX);
    let server: S3Server;
    let client: S3Client;
    let fixture: SourcesFixture;
    let bucket: string;
    let buckets = 0;
    const started: Sources[] = [];

    before(async function () {
      componentOrSkip(this, kind.isThere(), kind.what);
      server = await kind.start();
      const { accessKeyId, secretAccessKey, endpoint } = server;
      client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
    });

    after(async () => {
      client?.destroy();
      await server?.stop();
    });

    beforeEach(async () => {
      bucket = `bucket-${buckets++}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      fixture = new SourcesFixture(new MemoryLog(), (clock) => [s3Connector(clock)]);
      Object.assign(fixture.variables, { KEY: server.accessKeyId, SECRET: server.secretAccessKey });
    });

    afterEach(async () => {
      await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
    });

    async function put(key: string, body: string | Uint8Array): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    }

    function bucketSource(more: SourceDefinition['config'] = {}): SourceDefinition {
      const keys = { accessKeyId: { secret: 'env:KEY' }, secretAccessKey: { secret: 'env:SECRET' } };
      const config = { bucket, endpoint: server.endpoint, ...keys, ...more };
      return { dataset: 'A', connector: 's3', config, everyUs: EVERY_MS * 1_000, cdc: 'append' };
    }

    async function start(): Promise<Sources> {
      const sources = await fixture.start();
      started.push(sources);
      return sources;
    }

    const status = (sources: Sources) => sources.list()[0];
    const waits = (sources: Sources): Promise<void> =>
      eventually(() => {
        const phase = status(sources)?.phase;
        if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(phase.cause);
        return phase?.kind === 'waiting';
      }, 'the poll ends');

    async function nextPoll(sources: Sources, afterMs = EVERY_MS): Promise<void> {
      const before = status(sources)?.successUs ?? 0;
      fixture.clock.advance(afterMs);
      await eventually(() => (status(sources)?.successUs ?? 0) > before, 'the next poll ends');
      await waits(sources);
    }

    async function stands(sources: Sources): Promise<string> {
      await eventually(() => status(sources)?.phase.kind === 'stopped', 'it stands still');
      const phase = status(sources)?.phase;
      return phase?.kind === 'stopped' ? phase.cause : '';
    }

    const notices = (): string[] => fixture.events.list({ limit: 10, eventType: 'source_notice' }).map(({ message }) => message);

    it('reads the same rows from each format, plain and compressed', async () => {
      const formats = formatsOf(VALUES);
      for (const [ending, bytes] of formats) {
        await put(`plain/rows.${ending}`, bytes);
        await put(`packed/rows.${ending}.gz`, gzipSync(bytes));
        await put(`packed/rows.${ending}.zst`, uncompressedZstd(bytes));
      }
      await put('unmarked', gzipSync(formats.get('jsonl') ?? ''));
      await fixture.commit([VALUE_DATASET], [bucketSource()]);
      const sources = await start();
      await waits(sources);
      const byLane = new Map<string, unknown[]>();
      for (const { lane, row } of await fixture.published('A', 1, VALUE_DATASET.fields)) {
        const rows = byLane.get(lane) ?? [];
        byLane.set(lane, [...rows, Object.fromEntries(VALUE_DATASET.fields.map(({ name }, i) => [name, row[i]]))]);
      }
      expect(byLane.size).to.equal(3 * formats.size + 1);
      for (const [lane, rows] of byLane) expect(rows.sort(byId), lane).to.deep.equal(EXPECTED);
      expect(status(sources)).to.include({ refused: 0, rows: byLane.size * VALUES.length });
    });

    it('reads objects below its prefix, over the pages of the listing, in the order of their keys', async () => {
      const numbers = Array.from({ length: OBJECTS }, (_, n) => n);
      for (let from = 0; from < OBJECTS; from += UPLOADS_AT_ONCE) {
        await Promise.all(numbers.slice(from, from + UPLOADS_AT_ONCE).map((n) => put(`in/${String(n).padStart(6, '0')}.jsonl`, line(n))));
      }
      await put('in.jsonl', line(-1));
      await put('out/1.jsonl', line(-2));
      await fixture.commit([numberDataset('A')], [bucketSource({ prefix: 'in/' })]);
      const sources = await start();
      const deadline = Date.now() + OBJECTS * OBJECT_MS_MAX;
      while (Date.now() < deadline && /starting|reading/.test(status(sources)?.phase.kind ?? '')) await pause(10);
      expect(status(sources), JSON.stringify(status(sources)?.phase)).to.include({
        rows: OBJECTS,
        refused: 0,
        position: `behind in/${String(OBJECTS - 1).padStart(6, '0')}.jsonl`,
      });
      expect(await fixture.numbers('A')).to.deep.equal(numbers);
    });

    it('takes names of any characters, once each, by the bytes of their UTF-8', async () => {
      const names = ['ｚ.jsonl', '😀.jsonl', 'a b+c%20d&e?.jsonl', 'ä.jsonl', 'z.jsonl'];
      for (const [n, name] of names.entries()) await put(name, line(n));
      await fixture.commit([numberDataset('A')], [bucketSource({ lookBack: 0 })]);
      const sources = await start();
      await waits(sources);
      await nextPoll(sources);
      expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 3, 4]);
      expect(status(sources)?.position).to.equal('behind 😀.jsonl');
    });

    it('goes on in the middle of a large object after a restart, exactly once', async () => {
      await put('1.jsonl', lines(0, 10_000));
      await put('2.jsonl', lines(10_000, 10_005));
      await fixture.commit([numberDataset('A')], [bucketSource()]);
      for (const rows of [2_000, 4_000]) {
        const life = await start();
        await eventually(() => (status(life)?.rows ?? 0) >= rows, 'some of it is read');
        await life.stop({ graceMs: 0 });
        expect(status(life)?.rows).to.be.lessThan(10_000);
      }
      const last = await start();
      await waits(last);
      expect(await fixture.numbers('A')).to.deep.equal(Array.from({ length: 10_005 }, (_, n) => n));
    });

    it('stands still where an object is overwritten, or gone, in its middle', async () => {
      await put('1.jsonl', lines(0, 10_000));
      await fixture.commit([numberDataset('A')], [bucketSource()]);
      const first = await start();
      await eventually(() => (status(first)?.rows ?? 0) >= 2_000, 'some of it is read');
      await first.stop({ graceMs: 0 });
      await put('1.jsonl', lines(20_000, 30_000));
      const second = await start();
      expect(await stands(second)).to.contain('1.jsonl was overwritten or removed after');
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: '1.jsonl' }));
      await second.setPaused('A', false);
      expect(await stands(second)).to.contain('1.jsonl was overwritten or removed after');
      await put('1.jsonl', lines(0, 10_000));
      await second.setPaused('A', false);
      await eventually(() => status(second)?.phase.kind === 'waiting', 'it goes on with the object as it was');
      expect(await fixture.numbers('A')).to.deep.equal(Array.from({ length: 10_000 }, (_, n) => n));
    });

    it('says that an object was overwritten after it had been read, and never misses one that has vanished', async () => {
      await put('1.jsonl', line(1));
      await put('2.jsonl', line(2));
      await fixture.commit([numberDataset('A')], [bucketSource()]);
      const sources = await start();
      await waits(sources);
      await put('1.jsonl', lines(5, 9));
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: '2.jsonl' }));
      await put('3.jsonl', line(3));
      await nextPoll(sources);
      await nextPoll(sources);
      expect(await fixture.numbers('A')).to.deep.equal([1, 2, 3]);
      expect(notices()).to.have.lengthOf(1);
      expect(notices()[0]).to.contain('1.jsonl was overwritten');
    });

    it('finds late keys as far back as lookBack, and says which come further back', async () => {
      for (const name of ['b', 'd', 'f', 'h']) await put(`${name}.jsonl`, line(name.charCodeAt(0)));
      await fixture.commit([numberDataset('A')], [bucketSource({ lookBack: 2 })]);
      const sources = await start();
      await waits(sources);
      await untilNextSecond(); // what listings show of a change
      await put('g.jsonl', line(1_000));
      await put('a.jsonl', line(2_000));
      await nextPoll(sources);
      expect(notices()).to.deep.equal([]);
      await nextPoll(sources, 3_600_000);
      expect(await fixture.numbers('A')).to.deep.equal([98, 100, 102, 104, 1_000]);
      expect(notices()).to.have.lengthOf(1);
      expect(notices()[0]).to.match(/^a\.jsonl came late/);
      await nextPoll(sources, 3_600_000);
      expect(notices()).to.have.lengthOf(1);
    });

    it('sets aside rows that do not fit, with object and line', async () => {
      await put('1.json', `[${line(0)},\n{"k":"k","n":"x","at":"2026-01-31T11:00:00Z"},\n7,\n${line(3)}`);
      await put('2.jsonl', line(4));
      await fixture.commit([numberDataset('A')], [bucketSource()]);
      const sources = await start();
      await waits(sources);
      expect(await fixture.numbers('A')).to.deep.equal([0, 3, 4]);
      expect((await fixture.dead('A')).map(({ place }) => place)).to.deep.equal([
        '1.json line 2',
        '1.json line 3',
        '1.json from line 4 on',
      ]);
    });

    it('stands still, in the words of the service, where the bucket or an object cannot be read', async () => {
      await fixture.commit([numberDataset('A')], [bucketSource({ bucket: 'no-such-bucket' })]);
      const sources = await start();
      expect(await stands(sources)).to.match(/^listing s3:\/\/no-such-bucket\/ failed: NoSuchBucket/);
      await put('1.parquet', 'no parquet at all');
      await fixture.commit([numberDataset('A')], [bucketSource()]);
      await eventually(() => status(sources)?.phase.kind === 'stopped' && status(sources)?.rows === 0, 'it stands still');
      await eventually(async () => (await stands(sources)).startsWith('1.parquet cannot be read as parquet'), 'it names the object');
    });

    it('is tested with the first row of the first object', async () => {
      await put('1.csv', 'k,n,at,more\na,1,2026-01-31T11:00:00Z,x\n');
      await fixture.commit([numberDataset('A')], [bucketSource()]);
      const sources = await start();
      const { steps, sample } = await sources.test('A', new AbortController().signal);
      expect(steps.map(({ what, ok }) => [what, ok])).to.deep.equal([
        ['reached', true],
        ['may read', true],
        ['columns', true],
      ]);
      expect(sample).to.include({ k: 'a', n: 1 });
    });

    it('retries a server that answers nobody, and goes on when it does', async () => {
      const away = `http://127.0.0.1:9`;
      await put('1.jsonl', line(1));
      await fixture.commit([numberDataset('A')], [bucketSource({ endpoint: away })]);
      const sources = await start();
      await eventually(() => status(sources)?.phase.kind === 'retrying', 'it waits');
      await fixture.commit([numberDataset('A', { version: 2 })], [bucketSource()]);
      await eventually(() => status(sources)?.phase.kind === 'waiting', 'it reads');
      expect(await fixture.numbers('A', 2)).to.deep.equal([1]);
    });

    if (kind === moto) {
      it('takes on a role by the keys that the SDK finds by itself', async () => {
        const before = { ...process.env };
        Object.assign(process.env, {
          AWS_ACCESS_KEY_ID: server.accessKeyId,
          AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
          AWS_ENDPOINT_URL_STS: server.endpoint,
        });
        try {
          await put('1.jsonl', line(1));
          const source = bucketSource({ roleArn: 'arn:aws:iam::123456789012:role/reader' });
          const { accessKeyId: _, secretAccessKey: __, ...config } = source.config;
          await fixture.commit([numberDataset('A')], [{ ...source, config }]);
          const sources = await start();
          await waits(sources);
          expect(await fixture.numbers('A')).to.deep.equal([1]);
        } finally {
          process.env = before;
        }
      });
    }
  });
}

function line(n: number): string {
  return `{"k":"k${n % 7}","n":${n},"at":"2026-01-31T11:00:00Z"}`;
}

function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => `${line(from + i)}\n`).join('');
}

async function untilNextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1_000);
  await eventually(() => Math.floor(Date.now() / 1_000) > second, 'the second ends');
}

const VALUE_DATASET: DatasetDefinition = numberDataset('A', {
  fields: [
    { name: 'k', type: { kind: 'string', optional: false } },
    { name: 'id', type: { kind: 'int', optional: false } },
    { name: 'text', type: { kind: 'string', optional: true } },
    { name: 'share', type: { kind: 'float', optional: true } },
    { name: 'yes', type: { kind: 'bool', optional: true } },
    { name: 'price', type: { kind: 'decimal', optional: true } },
    { name: 'at', type: { kind: 'timestamp', optional: false } },
  ],
});

interface Value {
  readonly id: number;
  readonly text: string | null;
  readonly share: number | null;
  readonly yes: boolean | null;
  readonly price: string | null;
  readonly atUs: number;
}

const VALUES: readonly Value[] = [
  { id: 0, text: 'a "quoted", text\twith a tab', share: 0.1, yes: true, price: '12345678901234.89', atUs: 1_769_857_200_000_001 },
  { id: 1, text: 'line\nbreak and \u2028', share: -1e-7, yes: false, price: '-0.05', atUs: 1_769_857_200_123_456 },
  { id: 2, text: null, share: null, yes: null, price: null, atUs: 1_769_857_201_000_000 },
  { id: 3, text: 'ü 😀 ｚ', share: 1e21, yes: true, price: '7', atUs: 1_769_857_202_000_000 },
  { id: 2 ** 53 - 1, text: 'NULL', share: 12.5, yes: false, price: '0', atUs: 1_769_857_203_000_000 },
];

const EXPECTED = VALUES.map(({ atUs, ...value }) => ({ k: 'k', ...value, at: atUs }));

function byId(a: unknown, b: unknown): number {
  return Number((a as { readonly id: unknown }).id) - Number((b as { readonly id: unknown }).id);
}

function formatsOf(values: readonly Value[]): ReadonlyMap<string, Uint8Array> {
  const objects = values.map(({ id, text, share, yes, price, atUs }) => ({
    k: 'k',
    id,
    text,
    share,
    yes,
    price,
    at: formatTimestamp(atUs),
  }));
  const separated = (separator: string): Uint8Array => {
    const cells = objects.map((one) => Object.values(one).map((value) => quoted(value)));
    return Buffer.from([Object.keys(objects[0] ?? {}), ...cells].map((row) => row.join(separator)).join('\r\n'));
  };
  return new Map([
    ['json', Buffer.from(JSON.stringify(objects, null, 2))],
    ['jsonl', Buffer.from(objects.map((one) => JSON.stringify(one)).join('\n'))],
    ['csv', separated(',')],
    ['tsv', separated('\t')],
    ['parquet', parquetOf(values)],
  ]);
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : value === null ? '' : String(value);
}

function parquetOf(values: readonly Value[]): Uint8Array {
  const column = <T>(read: (value: Value) => T): T[] => values.map(read);
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'k', data: column(() => 'k'), type: 'STRING' },
        { name: 'id', data: column(({ id }) => BigInt(id)), type: 'INT64' },
        { name: 'text', data: column(({ text }) => text), type: 'STRING' },
        { name: 'share', data: column(({ share }) => share), type: 'DOUBLE' },
        { name: 'yes', data: column(({ yes }) => yes), type: 'BOOLEAN' },
        { name: 'price', data: column(({ price }) => price), type: 'STRING' },
        { name: 'at', data: column(({ atUs }) => formatTimestamp(atUs)), type: 'STRING' },
      ],
    }),
  );
}

/** A frame of zstd whose blocks are as they are: Node 20 has no compressor. */
function uncompressedZstd(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0xfd2fb528, 0);
  head.writeUInt8(0b1010_0000, 4); // one segment; its size in four bytes
  head.writeUInt32LE(bytes.length, 5);
  head.writeUIntLE((bytes.length << 3) | 1, 9, 3); // the last block, raw
  return Buffer.concat([head, bytes]);
}
