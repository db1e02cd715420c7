import { noSources } from '../support/no-sources.js';
import { expect } from 'chai';
import { create } from '@bufbuild/protobuf';
import { LogRequestSchema } from '../../gen/thyme/v1/ingest_pb.js';
import { compileRecordCodec, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { decodeKey } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { ChangeCapture, DatasetDefinition } from '../../libs/definition/definitions.js';
import { decodeToken } from '../../libs/feature/token.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { ManualClock } from '../../libs/time/clock.js';
import { ingestHandlers } from '../../services/ingest/handlers.js';
import { Ingest } from '../../services/ingest/ingest.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';
import { NOW_US, PARTITIONS } from './ingest-fixture.js';

const AT = '2026-01-31T11:59:00Z';
const AT_US = NOW_US - 60e6;
const AT_MS = AT_US / 1_000;
const row = { order_id: 'o1', user_id: 'u1', amount: 1.5, at: AT };

function orderDataset(cdc: ChangeCapture): DatasetDefinition {
  return {
    name: 'Order',
    version: 1,
    fields: [
      { name: 'order_id', type: { kind: 'string', optional: false } },
      { name: 'user_id', type: { kind: 'string', optional: false } },
      { name: 'amount', type: { kind: 'float', optional: true } },
      { name: 'at', type: { kind: 'timestamp', optional: false } },
    ],
    keys: ['user_id'],
    timestamp: 'at',
    index: false,
    publish: false,
    maxFutureUs: 600e6,
    expectations: [{ kind: 'notNull', field: 'amount', mostly: 1 }],
    cdc,
  };
}

interface Stored extends DatasetRecord {
  readonly key: readonly unknown[];
}

async function fixtureOf(mode: ChangeCapture['mode'], dataset = orderDataset({ mode, rowKey: ['order_id'] })) {
  const log = new MemoryLog();
  for (const topic of ['d.Order.v1', 'd.Order.v1.dead']) await log.createTopic(topic, PARTITIONS);
  const definitions = { datasets: [dataset], sources: [], pipelines: [], featuresets: [] };
  const revision = { number: 1, createdUs: 0, definitions, bundle: { sha256: '', code: '' }, timelines: [] };
  const ingest = new Ingest({
    deployment: 'd',
    log,
    revisions: { latest: () => revision },
    clock: new ManualClock(NOW_US),
    hasRoom: () => true,
    tokenKey: TEST_TOKEN_KEY,
    keysRequired: false,
  });
  const codec = compileRecordCodec(dataset.fields);
  const read = async (topic: string, partition: number) =>
    (await log.read({ topic, partition }, 0, { recordsMax: 1e6, bytesMax: 1e9 })).records;
  return {
    ingest,
    push: (events: readonly unknown[], more: object = {}) =>
      ingestHandlers(ingest, noSources).log(
        create(LogRequestSchema, { dataset: 'Order', json: Buffer.from(JSON.stringify(events)), ...more }),
        { signal: new AbortController().signal },
      ),
    pushText: (text: string) =>
      ingestHandlers(ingest, noSources).log(create(LogRequestSchema, { dataset: 'Order', json: Buffer.from(text) }), {
        signal: new AbortController().signal,
      }),
    pushMessages: (request: object) =>
      ingestHandlers(ingest, noSources).log(create(LogRequestSchema, { dataset: 'Order', ...request }), {
        signal: new AbortController().signal,
      }),
    async stored(): Promise<Stored[]> {
      const stored: Stored[] = [];
      for (let partition = 0; partition < PARTITIONS; partition++) {
        for (const { key, value } of await read('d.Order.v1', partition)) {
          expect(partition).to.equal(partitionOf(slotOf(key), PARTITIONS));
          stored.push({ key: decodeKey(key), ...codec.decode(value) });
        }
      }
      return stored;
    },
    dead: async () =>
      (await read('d.Order.v1.dead', 0)).map(({ value }) => JSON.parse(Buffer.from(value).toString()) as { reason: string }),
  };
}

describe('pushes of changes (S17): upsert', () => {
  it('are keyed by the row, and say what they do and when', async () => {
    const { push, stored, ingest } = await fixtureOf('upsert');
    const answer = await push([
      row,
      { ...row, op: 'upsert', op_time: '2026-01-31T12:05:00Z', extra: 1 },
      { op: 'delete', order_id: 'o1', user_id: 7 },
      { op: 'delete', order_id: 'o1', op_time: AT_US / 1e6 },
      { key: { order_id: 'o1' }, value: null },
    ]);
    expect(answer.errors).to.deep.equal([]);
    const all = await stored();
    expect(all.map(({ key }) => key)).to.deep.equal(Array(5).fill(['o1']));
    const whole = ['o1', 'u1', 1.5, AT_US];
    const gone = ['o1', null, null, null];
    expect(all.map(({ change, eventTimeUs, row: values }) => [change, eventTimeUs, values])).to.deep.equal([
      [{ deleted: false }, AT_US, whole],
      [{ deleted: false, timeUs: NOW_US + 300e6 }, AT_US, whole],
      [{ deleted: true }, NOW_US, gone],
      [{ deleted: true, timeUs: AT_US }, AT_US, gone],
      [{ deleted: true }, NOW_US, gone],
    ]);
    // `extra` alone is no field; deletes count for no expectation; the token waits for the time at which the change counts (S21).
    expect(ingest.counts()[0]).to.include({ accepted: 5, refused: 0, ignoredFields: 1 });
    expect(ingest.expectations()[0]).to.include({ checked: 2, failed: 0 });
    expect(decodeToken(answer.token, TEST_TOKEN_KEY).eventTimeUs).to.equal(NOW_US + 300e6);
  });

  it('are refused one by one with the reason, into the dead letters', async () => {
    const { push, dead, stored } = await fixtureOf('upsert');
    const refused: readonly (readonly [unknown, RegExp])[] = [
      [{ ...row, op: 'truncate' }, /Order\.op: .*'upsert' or 'delete'/],
      [{ ...row, op_time: 'noon' }, /Order\.op_time/],
      [{ ...row, op_time: '2026-01-31T12:10:01Z' }, /Order\.the change time: .*ahead of the clock/],
      [{ op: 'delete', user_id: 'u1' }, /Order\.order_id: required/],
      [{ ...row, order_id: '' }, /Order\.order_id/],
      [{ ...row, user_id: '' }, /Order\.user_id/],
      [{ order_id: 'o1' }, /Order\.user_id: required/],
      [{ key: { order_id: null }, value: null }, /Order\.order_id/],
      [7, /an object/],
    ];
    const { errors, eventsSent } = await push([...refused.map(([event]) => event), row]);
    expect(eventsSent).to.equal(1n);
    refused.forEach(([, reason], index) => expect(errors[index]?.error).to.match(reason));
    expect((await dead()).map(({ reason }) => reason)).to.deep.equal(errors.map(({ error }) => error));
    expect(await stored()).to.have.length(1);
  });

  it('come over gRPC as messages as well, with their producer (S13)', async () => {
    const { pushMessages, stored } = await fixtureOf('upsert');
    const text = (value: string) => ({ kind: { case: 'stringValue' as const, value } });
    await pushMessages({
      events: [{ fields: { op: text('delete'), order_id: text('o9') } }],
      producerId: 'p',
      sequence: 4n,
      historical: true,
    });
    const [record] = await stored();
    expect(record).to.include({ producerId: 'p', sequence: 4, historical: true, eventTimeUs: NOW_US });
    expect(record?.change).to.deep.equal({ deleted: true });
  });
});

describe('pushes of changes (S17): Debezium', () => {
  const source = { ts_ms: AT_MS + 5, table: 'orders' };

  it('are envelopes as they are, with or without their schema', async () => {
    const { push, stored } = await fixtureOf('debezium');
    const older = { ...row, amount: 1 };
    const answer = await push([
      { op: 'c', before: null, after: row, source, ts_ms: 1 },
      {
        schema: { type: 'struct' },
        payload: { op: 'u', before: older, after: { ...row, unknown: 1 }, source: { ...source, ts_us: AT_US + 7 } },
      },
      { op: 'r', before: null, after: row, source },
      { op: 'd', before: { order_id: 'o1', amount: 0 }, after: null, source },
      { key: { order_id: 'o1' }, value: null },
    ]);
    expect(answer.errors).to.deep.equal([]);
    const all = await stored();
    expect(all.map(({ change, historical, row: values }) => [change, historical, values[1]])).to.deep.equal([
      [{ deleted: false, timeUs: AT_US + 5_000 }, false, 'u1'],
      [{ deleted: false, timeUs: AT_US + 7 }, false, 'u1'],
      [{ deleted: false, timeUs: AT_US + 5_000 }, true, 'u1'],
      [{ deleted: true, timeUs: AT_US + 5_000 }, false, null],
      [{ deleted: true }, false, null],
    ]);
  });

  it('are refused with the reason where they are of no row', async () => {
    const { push } = await fixtureOf('debezium');
    const refused: readonly (readonly [unknown, RegExp])[] = [
      [{ op: 't', source }, /'t' empties a table/],
      [{ op: 'm', source, message: {} }, /'m' is a message/],
      [{ op: 'x', source, after: row }, /no operation of Debezium/],
      [row, /no Debezium envelope/],
      [{ op: 'c', after: null, source }, /Order\.after: is missing/],
      [{ op: 'd', after: null, before: null, source }, /REPLICA IDENTITY/],
      [{ op: 'c', after: row, source: {} }, /source\.ts_ms/],
      [{ op: 'c', after: row }, /source\.ts_ms/],
      [{ op: 'u', before: { order_id: 'o2' }, after: row, source }, /cannot change the rowKey/],
      [{ op: 'c', after: { ...row, amount: 'much' }, source }, /Order\.amount/],
      [null, /no Debezium envelope/],
    ];
    const { errors, eventsSent } = await push(refused.map(([event]) => event));
    expect(eventsSent).to.equal(0n);
    refused.forEach(([, reason], index) => expect(errors[index]?.error).to.match(reason));
  });
});

describe("columns of Debezium's own types (S1, S12, S17)", () => {
  const required = (name: string, kind: 'int' | 'timestamp' | 'date' | 'decimal' | 'string') =>
    ({ name, type: { kind, optional: false } }) as const;
  const dataset: DatasetDefinition = {
    ...orderDataset({ mode: 'debezium', rowKey: ['id'] }),
    fields: [
      required('id', 'int'),
      required('user_id', 'string'),
      required('at', 'timestamp'),
      ...(['milli', 'nano', 'connect', 'midnight', 'zoned'] as const).map((name) => required(name, 'timestamp')),
      required('day', 'date'),
      ...(['price', 'owed', 'free', 'thousands', 'plain'] as const).map((name) => required(name, 'decimal')),
      { name: 'rate', type: { kind: 'float', optional: true } },
      { name: 'raw', type: { kind: 'int', optional: true } },
      { name: 'number', type: { kind: 'int', optional: true } },
    ],
  };
  const unit = (field: string, name: string, parameters?: object) => ({ field, name, type: 'int64', optional: true, parameters });
  const decimal = (field: string, scale: number) => unit(field, 'org.apache.kafka.connect.data.Decimal', { scale: String(scale) });
  const columns = [
    decimal('id', 0),
    { field: 'user_id', type: 'string' },
    unit('at', 'io.debezium.time.MicroTimestamp'),
    unit('milli', 'io.debezium.time.Timestamp'),
    unit('nano', 'io.debezium.time.NanoTimestamp'),
    unit('connect', 'org.apache.kafka.connect.data.Timestamp'),
    unit('midnight', 'io.debezium.time.Date'),
    unit('zoned', 'io.debezium.time.ZonedTimestamp'),
    unit('day', 'io.debezium.time.Date'),
    decimal('price', 2),
    decimal('owed', 3),
    unit('free', 'io.debezium.data.VariableScaleDecimal'),
    decimal('thousands', -3),
    decimal('rate', 1),
    unit('raw', 'io.debezium.time.MicroTimestamp'),
    decimal('number', 0),
    unit('unknown', 'io.debezium.time.Date'),
  ];
  const schema = { type: 'struct', fields: ['before', 'after'].map((field) => ({ field, type: 'struct', fields: columns })) };
  const source = { ts_ms: AT_MS };
  const after = {
    id: 'BNI=', // 1234
    user_id: 'u1',
    at: AT_US + 1,
    milli: -1,
    nano: 1_700_000_000_123_457_000,
    connect: AT_MS,
    midnight: -1,
    zoned: '2026-01-31T12:00:00.000001+01:00',
    day: 20_484,
    price: 'AeJA', // 123456
    owed: '+y4=', // -1234
    free: { scale: 4, value: 'MDk=' }, // 12345
    thousands: 'Bw==', // 7
    plain: '0.5',
    rate: 'Kg==', // 42
    raw: AT_US,
    number: '/w==', // -1
    unknown: 7,
  };
  const expected = [
    1234,
    'u1',
    AT_US + 1,
    -1_000,
    1_700_000_000_123_457,
    AT_US,
    -86_400e6,
    Date.UTC(2026, 0, 31, 11) * 1_000 + 1,
    20_484,
    '1234.56',
    '-1.234',
    '1.2345',
    '7000',
    '0.5',
    4.2,
    AT_US,
    -1,
  ];

  it('are read in the units that the schema gives them', async () => {
    const { push, stored } = await fixtureOf('debezium', dataset);
    const { errors } = await push([
      { schema, payload: { op: 'c', before: null, after, source } },
      { schema, payload: { op: 'u', before: { ...after, price: 'AQ==' }, after, source } },
      { schema, payload: { op: 'd', before: { id: after.id }, after: null, source } },
      { key: { schema: { type: 'struct', fields: [columns[0]] }, payload: { id: after.id } }, value: null },
    ]);
    expect(errors).to.deep.equal([]);
    const all = await stored();
    expect(all.map(({ row: values }) => values)).to.deep.equal([
      expected,
      expected,
      ...Array(2).fill([1234, ...Array(expected.length - 1).fill(null)]),
    ]);
    expect(new Set(all.map(({ key }) => JSON.stringify(key))).size).to.equal(1);
  });

  it('are read as a push where there is no schema, long decimals to their last digit', async () => {
    const { pushText, stored } = await fixtureOf('debezium', dataset);
    const plain = { ...after, id: 5, at: AT_US / 1e6, milli: -0.001, nano: 1.5, connect: AT, midnight: AT, day: '2026-01-31Z' };
    const numbers = { ...plain, owed: -1, free: 1, thousands: 7, rate: 4, number: 1, price: 'PRICE' };
    const envelope = JSON.stringify({ payload: { op: 'c', before: null, after: numbers, source }, schema: null });
    await pushText(`[${envelope.replace('"PRICE"', '12345678901234567890.123')}]`);
    const [record] = await stored();
    expect(record?.row[9]).to.equal('12345678901234567890.123');
    expect(record?.row[4]).to.equal(1_500_000);
  });

  it('are refused by name where they are not what the schema says', async () => {
    const { push } = await fixtureOf('debezium', dataset);
    const refused: readonly (readonly [object, RegExp])[] = [
      [{ price: 'no!' }, /Order\.price: is no Decimal of Kafka Connect/],
      [{ price: 'AeJA'.repeat(100) }, /Order\.price: is no Decimal/],
      [{ free: { scale: 5_000, value: 'AQ==' } }, /Order\.free: the scale 5000/],
      [{ at: Number.MAX_SAFE_INTEGER }, /Order\.at/],
      [{ day: 1e9 }, /Order\.day/],
    ];
    const { errors } = await push(refused.map(([change]) => ({ schema, payload: { op: 'c', after: { ...after, ...change }, source } })));
    refused.forEach(([, reason], index) => expect(errors[index]?.error).to.match(reason));
  });
});
