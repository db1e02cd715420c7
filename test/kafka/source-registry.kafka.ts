// The Kafka source with a schema registry: Apicurio, by the API that Confluent's clients know.
import { expect } from 'chai';
import { startSchemaRegistry, type RunningRegistry } from '../../infra/kafka/schema-registry.js';
import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import type { Field } from '../../libs/schema/value-type.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { kafkaConnector } from '../../libs/source/kafka/kafka-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { numberDataset, SourcesFixture } from '../integration/sources-fixture.js';
import { componentOrSkip } from '../support/component.js';
import { eventually, useKafka } from './kafka-fixture.js';
import { avroBytes, avroLong, avroText, framed, protoBytes, protoNumber, registerSchema } from './schema-bytes.js';
import { Producers } from './topic-system.js';

const AT_US = 1_769_857_200_123_456n;
const BEYOND_DOUBLES = 9_007_199_254_740_993n;

const FIELDS: readonly Field[] = [
  { name: 'k', type: { kind: 'string', optional: false } },
  { name: 'n', type: { kind: 'int', optional: false } },
  { name: 'at', type: { kind: 'timestamp', optional: false } },
  { name: 'price', type: { kind: 'decimal', optional: true } },
  { name: 'note', type: { kind: 'string', optional: true } },
];

describe('the Kafka source with a schema registry', function () {
  this.timeout(300_000);
  const kafka = useKafka();
  let registry: RunningRegistry | undefined;
  let producers: Producers;
  let fixture: SourcesFixture;
  const started: Sources[] = [];

  before(async function () {
    const cause = await startSchemaRegistry().then(
      (running) => void (registry = running),
      (error: unknown) => String(error),
    );
    componentOrSkip(this, registry !== undefined, `the schema registry Apicurio, which Maven fetches (${cause ?? ''})`);
    producers = await Producers.connect(kafka().brokers);
  });

  after(async () => {
    await producers?.disconnect();
    await registry?.stop();
  });

  beforeEach(() => {
    fixture = new SourcesFixture(new MemoryLog(), (clock) => [
      kafkaConnector({ nowUs: () => clock.nowUs(), sleep: (ms, signal) => systemClock.sleep(ms, signal) }),
    ]);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 5_000 })));
  });

  const url = (): string => registry?.url ?? '';
  const register = (subject: string, schema: string | object, more?: object): Promise<number> =>
    registerSchema(url(), subject, schema, more);
  const status = (sources: Sources) => sources.list()[0];

  async function start(
    topic: string,
    format: string,
    {
      dataset = {},
      source = {},
      config = {},
    }: { dataset?: Partial<DatasetDefinition>; source?: Partial<SourceDefinition>; config?: SourceDefinition['config'] } = {},
  ): Promise<Sources> {
    const parameters = { topic, brokers: kafka().brokers.join(','), format, schemaRegistryUrl: url(), ...config };
    await fixture.commit(
      [numberDataset('A', { fields: FIELDS, ...dataset })],
      [{ dataset: 'A', connector: 'kafka', config: parameters, cdc: 'append', ...source }],
    );
    const sources = await fixture.start();
    started.push(sources);
    return sources;
  }

  async function rows(sources: Sources, count: number, refused = 0): Promise<readonly unknown[][]> {
    await eventually(() => {
      const { phase } = status(sources) ?? {};
      if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(phase.cause);
      return status(sources)?.rows === count && status(sources)?.refused === refused;
    }, `${count} rows are published, and ${refused} set aside`).catch(async (cause: unknown) => {
      throw new Error(JSON.stringify([status(sources), await fixture.dead('A')]), { cause });
    });
    return (await fixture.published('A', 1, FIELDS)).map(({ row }) =>
      row.map((value) => (typeof value === 'object' && value !== null ? String(value) : value)),
    );
  }

  it('reads Avro: times and decimals exactly, unions, schemas that evolve, and schemas that refer to others', async () => {
    const topic = await producers.createTopic(1);
    const fields = [
      { name: 'k', type: 'string' },
      { name: 'n', type: ['int', 'long'] },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    ];
    const price = { name: 'price', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 4 }], default: null };
    const first = await register(`${topic}-value`, { type: 'record', name: 'Order', fields });
    const second = await register(`${topic}-value`, { type: 'record', name: 'Order', fields: [...fields, price] });
    const note = await register(`${topic}-note`, {
      type: 'record',
      name: 'Note',
      namespace: 'notes',
      fields: [{ name: 'text', type: 'string' }],
    });
    expect(note).to.be.a('number');
    const third = await register(
      `${topic}-refers`,
      { type: 'record', name: 'Refers', fields: [...fields, { name: 'about', type: 'notes.Note' }] },
      { references: [{ name: 'notes.Note', subject: `${topic}-note`, version: 1 }] },
    );
    const head = (k: string, n: bigint): readonly Buffer[] => [avroText(k), avroLong(1n), avroLong(n), avroLong(AT_US)];
    await producers.send(topic, [
      { value: framed(first, ...head('first', 1n)) },
      { value: framed(second, ...head('second', 2n), avroLong(1n), avroBytes(Buffer.from([0x01, 0xe2, 0x40]))) },
      { value: framed(third, ...head('third', 3n), avroText('a note')) },
      { value: framed(first, ...head('too large for the field', BEYOND_DOUBLES)) },
      { value: framed(999_999, avroText('of no schema')) },
      { value: Buffer.from('{"no":"avro"}') },
      { value: framed(first, avroText('cut off')) },
    ]);
    const published = await rows(await start(topic, 'avro'), 3, 4);
    expect(published.map(([k, n, at, paid]) => [k, n, Number(at), paid])).to.deep.equal([
      ['first', 1, Number(AT_US), null],
      ['second', 2, Number(AT_US), '12.3456'],
      ['third', 3, Number(AT_US), null],
    ]);
    const reasons = (await fixture.dead('A')).map(({ reason }) => String(reason));
    expect(reasons[0]).to.contain('A.n').and.to.contain(String(BEYOND_DOUBLES));
    expect(reasons[1]).to.contain('schema 999999');
    expect(reasons[2]).to.contain('has no id of a schema');
  });

  it("reads Debezium's envelopes in Avro, with the kinds of times that it names, and keys of a schema of their own", async () => {
    const topic = await producers.createTopic(1);
    const row = {
      type: 'record',
      name: 'Value',
      fields: [
        { name: 'k', type: 'string' },
        { name: 'n', type: 'int' },
        { name: 'at', type: { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' } },
      ],
    };
    const source = { type: 'record', name: 'Source', fields: [{ name: 'ts_ms', type: 'long' }] };
    const envelope = await register(`${topic}-value`, {
      type: 'record',
      name: 'Envelope',
      fields: [
        { name: 'before', type: ['null', row], default: null },
        { name: 'after', type: ['null', 'Value'], default: null },
        { name: 'source', type: source },
        { name: 'op', type: 'string' },
      ],
    });
    const keyId = await register(`${topic}-key`, { type: 'record', name: 'Key', fields: [{ name: 'n', type: 'int' }] });
    const key = framed(keyId, avroLong(7n));
    const tsMs = avroLong(1_769_850_000_000n);
    await producers.send(topic, [
      { key, value: framed(envelope, avroLong(0n), avroLong(1n), avroText('k'), avroLong(7n), avroLong(AT_US), tsMs, avroText('c')) },
      { key, value: framed(envelope, avroLong(0n), avroLong(0n), tsMs, avroText('d')) },
      { key, value: null },
    ]);
    const sources = await start(topic, 'avro', { dataset: { cdc: { mode: 'debezium', rowKey: ['n'] } }, source: { cdc: 'debezium' } });
    const published = await rows(sources, 3);
    expect(published.map(([k, n, at]) => [k, n, at === null ? null : Number(at)])).to.deep.equal([
      ['k', 7, Number(AT_US)],
      [null, 7, null],
      [null, 7, null],
    ]);
  });

  it('reads Protobuf: any message of its file, its own names, 64 bits, absence, times, and files that refer to others', async () => {
    const topic = await producers.createTopic(1);
    await register(`${topic}-note`, 'syntax = "proto3";\npackage notes;\nmessage Note { string text = 1; }', { schemaType: 'PROTOBUF' });
    const id = await register(
      `${topic}-value`,
      `syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "note.proto";
package shop;
message Unused { string nothing = 1; }
message Order {
  string k = 1;
  int64 n = 2;
  google.protobuf.Timestamp at = 3;
  string price = 4;
  optional string note = 5;
  notes.Note about = 6;
  string order_id = 7;
}`,
      { schemaType: 'PROTOBUF', references: [{ name: 'note.proto', subject: `${topic}-note`, version: 1 }] },
    );
    const at = protoBytes(3, Buffer.concat([protoNumber(1, AT_US / 1_000_000n), protoNumber(2, (AT_US % 1_000_000n) * 1_000n)]));
    const second = Buffer.from([2, 2]); // one index, 1: both doubled by zigzag
    await producers.send(topic, [
      {
        value: framed(
          id,
          second,
          protoBytes(1, 'a'),
          protoNumber(2, 5n),
          at,
          protoBytes(4, '12.5'),
          protoBytes(5, 'there'),
          protoBytes(7, 'o1'),
        ),
      },
      { value: framed(id, second, protoBytes(1, 'zero'), at, protoBytes(4, '1')) },
      { value: framed(id, second, protoBytes(1, 'large'), protoNumber(2, BEYOND_DOUBLES), at, protoBytes(4, '1')) },
      { value: framed(id, Buffer.from([2, 8]), protoBytes(1, 'no such message')) },
    ]);
    const fields: readonly Field[] = [...FIELDS, { name: 'order_id', type: { kind: 'string', optional: true } }];
    const sources = await start(topic, 'protobuf', { dataset: { fields } });
    await rows(sources, 2, 2);
    const published = (await fixture.published('A', 1, fields)).map(({ row: [k, n, time, price, note, orderId] }) => [
      k,
      n,
      Number(time),
      String(price),
      note,
      orderId,
    ]);
    expect(published).to.have.deep.members([
      ['a', 5, Number(AT_US), '12.5', 'there', 'o1'],
      ['zero', 0, Number(AT_US), '1', null, ''],
    ]);
  });

  it('reads JSON behind the id of its schema', async () => {
    const topic = await producers.createTopic(1);
    const id = await register(
      `${topic}-value`,
      { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
      { schemaType: 'JSON' },
    );
    const at = '2026-01-31T11:00:00Z';
    await producers.send(topic, [
      { value: framed(id, Buffer.from(JSON.stringify({ k: 'k', n: 1, at }))) },
      { value: JSON.stringify({ k: 'k', n: 2, at }) },
    ]);
    expect((await rows(await start(topic, 'json'), 2)).map(([, n]) => n)).to.deep.equal([1, 2]);
  });

  it('waits where the registry does not answer, and sets nothing aside for that', async () => {
    const topic = await producers.createTopic(1);
    const id = await register(`${topic}-value`, { type: 'record', name: 'Order', fields: [{ name: 'k', type: 'string' }] });
    await producers.send(topic, [{ value: framed(id, avroText('k')) }]);
    const sources = await start(topic, 'avro', { config: { schemaRegistryUrl: 'http://127.0.0.1:9' } });
    await eventually(() => status(sources)?.phase.kind === 'retrying', 'it waits');
    expect(status(sources)?.phase).to.have.property('cause').that.contains('http://127.0.0.1:9');
    expect(await fixture.dead('A')).to.deep.equal([]);
  });
});
