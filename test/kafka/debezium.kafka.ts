// A table of Postgres through Debezium's own connector and converters, and the Kafka source: what the table has, the dataset has.
import { expect } from 'chai';
import { startDebezium, type Properties, type RunningDebezium } from '../../infra/kafka/debezium.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { Field } from '../../libs/schema/value-type.js';
import { kafkaConnector } from '../../libs/source/kafka/kafka-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { numberDataset, SourcesFixture } from '../integration/sources-fixture.js';
import { componentOrSkip } from '../support/component.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { eventually, useKafka } from './kafka-fixture.js';
import { Producers } from './topic-system.js';

const TEXT = { kind: 'string', optional: true } as const;
const TIME = { kind: 'timestamp', optional: true } as const;
const FIELDS: readonly Field[] = [
  { name: 'id', type: { kind: 'int', optional: false } },
  { name: 'k', type: { kind: 'string', optional: false } },
  { name: 'at', type: { kind: 'timestamp', optional: false } },
  { name: 'price', type: { kind: 'decimal', optional: true } },
  { name: 'free', type: { kind: 'decimal', optional: true } },
  { name: 'big', type: { kind: 'int', optional: true } },
  { name: 'score', type: { kind: 'float', optional: true } },
  { name: 'flag', type: { kind: 'bool', optional: true } },
  { name: 'day', type: { kind: 'date', optional: true } },
  { name: 'ms', type: TIME },
  { name: 'us', type: TIME },
  { name: 'doc', type: TEXT },
  { name: 'uid', type: TEXT },
  { name: 'mood', type: TEXT },
  { name: 'raw', type: { kind: 'bytes', optional: true } },
  { name: 'tags', type: { kind: 'list', of: { kind: 'string', optional: false }, optional: true } },
];

const TABLE = `CREATE TYPE mood AS ENUM ('sad', 'gl''ad');
  CREATE TABLE goods (id int PRIMARY KEY, k text, at timestamptz, price numeric(20, 4), free numeric, big bigint, score double precision,
    flag boolean, day date, ms timestamp(3), us timestamp(6), doc jsonb, uid uuid, mood mood, raw bytea, tags text[]);
  INSERT INTO goods VALUES
    (1, 'é"''\\', '2026-01-31 11:00:00.123456+02', 12345678901234.5678, 0.000000000000000001, 9007199254740991, 0.1, true,
      '0001-02-03', '1969-12-31 23:59:59.999', '2026-01-31 11:00:00.000001', '{"a": [1, 2.50, null], "b": "\\u00e9"}',
      '00112233-4455-6677-8899-aabbccddeeff', 'gl''ad', '\\x00ff', ARRAY['p', '', '"q",']),
    (3, 'to be changed', '2026-01-31 11:00:00Z', -1, -123456789.123, -1, -1e300, false, '9999-12-31', '2026-01-31', '2026-01-31', '1', NULL,
      'sad', '', '{}');
  INSERT INTO goods (id, k, at) VALUES (2, 'nulls', '2026-01-31 11:00:00Z'), (4, 'to be deleted', '2026-01-31 11:00:00Z')`;
const CHANGES = [
  `INSERT INTO goods (id, k, at, price) SELECT n, 'new', '2026-02-01 00:00:00Z', n / 8.0 FROM generate_series(10, 200) n`,
  `BEGIN; UPDATE goods SET price = 2.5, free = 1e-5, tags = ARRAY['x'] WHERE id = 3; DELETE FROM goods WHERE id = 4;
     INSERT INTO goods (id, k, at) VALUES (5, 'never seen', '2026-02-01 00:00:00Z'); ROLLBACK`,
  `UPDATE goods SET price = 2.5, free = 100, tags = ARRAY['x'] WHERE id = 3; DELETE FROM goods WHERE id = 4`,
  `UPDATE goods SET id = 1000 WHERE id = 10; DELETE FROM goods WHERE id % 3 = 2 AND id > 10`,
  `INSERT INTO goods (id, k, at) VALUES (4, 'again', '2026-02-01 00:00:00Z')`,
];
/** Each column as the platform holds it. */
const TRUTH = `SELECT id, k, (extract(epoch FROM at) * 1000000)::bigint AS at, trim_scale(price)::text AS price, trim_scale(free)::text AS free, big, score, flag,
  day - date '1970-01-01' AS day, (extract(epoch FROM ms) * 1000000)::bigint AS ms, (extract(epoch FROM us) * 1000000)::bigint AS us,
  doc::text AS doc, uid::text AS uid, mood::text AS mood, encode(raw, 'hex') AS raw, tags FROM goods ORDER BY id`;

const CONNECTORS: Readonly<Record<string, Properties>> = {
  with_schemas: { 'table.include.list': 'public.goods' },
  // Without a schema beside it a number is only a number: Debezium is told to write what says by itself what it is.
  without_schemas: {
    'table.include.list': 'public.goods',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'isostring',
  },
};

describe('a table through Debezium and Kafka Connect', function () {
  this.timeout(300_000);
  const kafka = useKafka();
  let postgres: Postgres | undefined;
  let debezium: RunningDebezium | undefined;
  let producers: Producers | undefined;
  const started: Sources[] = [];

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    postgres = await startPostgres({ settings: ['wal_level=logical'] });
    await postgres.client.query(TABLE);
    producers = await Producers.connect(kafka().brokers);
    debezium = await startDebezium({ brokers: kafka().brokers, postgresPort: postgres.port, connectors: CONNECTORS });
  });

  after(async () => {
    await Promise.all(started.map((sources) => sources.stop({ graceMs: 5_000 })));
    await debezium?.stop();
    await producers?.disconnect();
    await postgres?.stop();
  });

  async function follow(connector: string): Promise<SourcesFixture> {
    const topic = `${connector}.public.goods`;
    await eventually(async () => (await producers?.admin.listTopics())?.includes(topic) === true, `${topic} is there`);
    const fixture = new SourcesFixture(new MemoryLog(), (clock) => [
      kafkaConnector({ nowUs: () => clock.nowUs(), sleep: (ms, signal) => systemClock.sleep(ms, signal) }),
    ]);
    fixture.clock.advance((systemClock.nowUs() - fixture.clock.nowUs()) / 1_000); // Debezium stamps changes by the server's clock
    const changes: Partial<DatasetDefinition> = { fields: FIELDS, cdc: { mode: 'debezium', rowKey: ['id'] } };
    const config = { topic, brokers: kafka().brokers.join(',') };
    await fixture.commit([numberDataset('A', changes)], [{ dataset: 'A', connector: 'kafka', config, cdc: 'debezium' }]);
    started.push(await fixture.start());
    return fixture;
  }

  async function truth(): Promise<readonly (readonly unknown[])[]> {
    const { rows } = (await postgres?.client.query(TRUTH)) as { readonly rows: readonly Record<string, unknown>[] };
    return rows.map((row) =>
      FIELDS.map(({ name, type }) => (typeof row[name] === 'string' && isNumber(type.kind) ? Number(row[name]) : row[name])),
    );
  }

  for (const connector of Object.keys(CONNECTORS))
    it(`has every value of the table, as of its first load and behind each change (${connector})`, async () => {
      const fixture = await follow(connector);
      const agree = async (): Promise<void> => {
        const wanted = JSON.stringify(await truth());
        await eventually(async () => JSON.stringify(await current(fixture)) === wanted, 'the dataset is the table').catch(
          async (cause: unknown) => {
            expect(await current(fixture), JSON.stringify(await fixture.dead('A'))).to.deep.equal(await truth());
            throw cause;
          },
        );
      };
      await agree();
      if (connector === 'with_schemas') {
        for (const change of CHANGES) {
          await postgres?.client.query(change);
          await agree();
        }
      }
      expect(await fixture.dead('A')).to.deep.equal([]);
    });
});

function isNumber(kind: string): boolean {
  return kind === 'int' || kind === 'timestamp' || kind === 'date' || kind === 'float';
}

/** The rows as their last changes left them, by id. */
async function current(fixture: SourcesFixture): Promise<readonly (readonly unknown[])[]> {
  const rows = new Map<unknown, readonly unknown[] | undefined>();
  for (const { row, change } of await fixture.published('A', 1, FIELDS)) rows.set(row[0], change?.deleted === true ? undefined : row);
  return [...rows.values()].flatMap((row) => (row === undefined ? [] : [row.map(plain)])).sort((a, b) => Number(a[0]) - Number(b[0]));
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'object' && value !== null ? String(value) : value;
}
