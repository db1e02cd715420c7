// Tables that pyiceberg writes, read by their metadata in a folder: what the source gives is what pyiceberg itself reads of the
// same snapshots.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { UnreadableRow } from '../../libs/source/connector.js';
import { parseTimestamp } from '../../libs/time/timestamp.js';
import { fieldsOf, IcebergPolls, icebergSettings } from '../support/iceberg-reading.js';
import { componentOrSkip } from '../support/component.js';
import { hasPyIceberg, PyIceberg, pyicebergWhat } from '../support/pyiceberg.js';

const BEGIN = `
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionSpec, PartitionField
from pyiceberg.schema import Schema
from pyiceberg.transforms import *
from pyiceberg.types import *
import datetime, decimal, uuid
UTC = datetime.timezone.utc
def at(i): return datetime.datetime(2020, 1, 1, tzinfo=UTC) + datetime.timedelta(seconds=i, microseconds=i % 1000)
def rows(a, b): return {'k': [f'k{i % 7}' for i in range(a, b)], 'n': list(range(a, b)), 'at': [at(i) for i in range(a, b)]}
def append(t, columns): t.append(pa.table(columns, schema=pa.schema([f for f in t.schema().as_arrow() if f.name in columns])))
ARROW = pa.schema([('k', pa.string()), ('n', pa.int64()), ('at', pa.timestamp('us', 'UTC'))])
`;
const FIELDS = fieldsOf({ k: 'string', n: 'int', at: 'timestamp' });

describe('the iceberg source on tables of pyiceberg', () => {
  let folder: string;
  let python: PyIceberg;
  let tables = 0;
  const opened: IcebergPolls[] = [];

  before(async function () {
    componentOrSkip(this, hasPyIceberg(), pyicebergWhat);
    folder = await mkdtemp(join(tmpdir(), 'thyme-iceberg-'));
    python = PyIceberg.start();
    await python.run(`${BEGIN}
cat = SqlCatalog('c', uri='sqlite:///${folder}/catalog.db', warehouse='file://${folder}')
cat.create_namespace('db')`);
  });

  after(async () => {
    await python?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  afterEach(() => Promise.all(opened.splice(0).map((polls) => polls.close())));

  /** Makes `t`; resolves to where it lies. */
  async function table(words = 'schema=ARROW'): Promise<string> {
    return String(await python.run(`t = cat.create_table('db.t${tables++}', ${words})\nresult = t.location()`));
  }

  async function open(catalog: string, fields = FIELDS, rowKey?: readonly string[], rowsMax?: number): Promise<IcebergPolls> {
    const polls = await IcebergPolls.open(icebergSettings({ table: 't', catalog }, fields, rowKey), rowsMax);
    opened.push(polls);
    return polls;
  }

  /** What pyiceberg reads of the current snapshot, by n. */
  async function theirs(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await python.run("result = sorted(t.refresh().scan().to_arrow().to_pylist(), key=lambda r: r['n'])")) as readonly Record<
      string,
      unknown
    >[];
  }

  async function refused(polls: IcebergPolls, message: RegExp): Promise<void> {
    const error = await polls.poll().then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(String(error)).to.match(message);
  }

  it('reads 200 appended snapshots once each, in their order, however its polls fall', async function () {
    this.timeout(600_000); // pyiceberg commits 200 times, on a machine that may be busy
    const polls = await open(await table(), FIELDS, undefined, 7);
    const seen: unknown[] = [];
    for (let round = 0; round < 10; round++) {
      await python.run(`
with t.transaction() as many:
    for i in range(${round * 20}, ${round * 20 + 20}): many.append(pa.table(rows(i * 3, i * 3 + 3), schema=ARROW))`);
      const rows = await polls.poll();
      expect(rows.map(({ historical }) => historical)).to.deep.equal(rows.map(() => round === 0));
      seen.push(...rows.map(({ input }) => (input as { n: number }).n));
    }
    expect(seen).to.have.length(600);
    expect(seen.slice(60)).to.deep.equal(Array.from({ length: 540 }, (_, i) => 60 + i));
    expect([...seen.slice(0, 60)].sort((a, b) => Number(a) - Number(b))).to.deep.equal(Array.from({ length: 60 }, (_, i) => i));
    expect(await polls.poll()).to.deep.equal([]);
    expect(await python.run('result = len(t.snapshots())')).to.equal(200);
  });

  it('goes on from any position, with every later row and no earlier one', async () => {
    const catalog = await table();
    await python.run('append(t, rows(0, 40)); append(t, rows(40, 70))');
    const whole = await (await open(catalog)).inputs();
    for (const size of [1, 13, 39]) {
      const cut = await open(catalog, FIELDS, undefined, size);
      expect(await cut.inputs()).to.deep.equal(whole);
    }
    expect(whole).to.have.length(70);
  });

  it('reads columns by their ids: added, renamed, reordered, widened, dropped and taken anew', async () => {
    const schema = `schema=Schema(NestedField(1, 'n', IntegerType()), NestedField(2, 'price', FloatType()), NestedField(3, 'gone', StringType()),
      NestedField(4, 'amount', DecimalType(9, 2)), NestedField(5, 'at', TimestamptzType()),
      NestedField(6, 'box', StructType(NestedField(7, 'w', IntegerType()), NestedField(8, 'h', IntegerType()))))`;
    const catalog = await table(schema);
    await python.run(`
append(t, {'n': [1, 2], 'price': [0.5, 1.5], 'gone': ['a', 'b'], 'amount': [decimal.Decimal('1.25'), None], 'at': [at(1), at(2)], 'box': [{'w': 1, 'h': 2}, None]})
with t.update_schema() as u:
    u.delete_column('gone')
    u.rename_column('price', 'cost')
    u.update_column('n', LongType())
    u.update_column('price', DoubleType())
    u.update_column('amount', DecimalType(20, 2))
    u.add_column('note', StringType())
    u.rename_column('box.w', 'width')
    u.add_column(('box', 'depth'), LongType())
    u.move_first('note')
with t.update_schema() as u:
    u.add_column('gone', LongType())
append(t, {'note': ['x'], 'n': [9007199254740993], 'cost': [2.5], 'amount': [decimal.Decimal('123456789012345678.25')], 'at': [at(3)], 'box': [{'width': 3, 'h': 4, 'depth': 5}], 'gone': [7]})`);
    const box: readonly (readonly [string, string])[] = [
      ['width', 'int?'],
      ['h', 'int?'],
      ['depth', 'int?'],
    ];
    const fields = fieldsOf({
      n: 'int',
      cost: 'float',
      amount: 'decimal?',
      note: 'string?',
      gone: 'int?',
      at: 'timestamp',
      box: { kind: 'struct', optional: true, fields: fieldsOf(Object.fromEntries(box)) },
    });
    const at = (s: number): string => `2020-01-01T00:00:0${s}.00000${s}Z`;
    const inputs = await (await open(catalog, fields)).inputs();
    expect(inputs).to.deep.equal([
      { n: 1, cost: 0.5, amount: '1.25', at: at(1), box: { width: 1, h: 2, depth: null } },
      { n: 2, cost: 1.5, at: at(2) },
      {
        n: 9_007_199_254_740_993n,
        cost: 2.5,
        amount: '123456789012345678.25',
        note: 'x',
        gone: 7,
        at: at(3),
        box: { width: 3, h: 4, depth: 5 },
      },
    ]);
    // A definition that still says the old name reads the same column.
    const old = await (await open(catalog, fieldsOf({ n: 'int', price: 'float', at: 'timestamp' }))).inputs();
    expect(old.map(({ price }) => price)).to.deep.equal([0.5, 1.5, 2.5]);
  });

  it('reads through partition transforms and their evolution what pyiceberg reads', async () => {
    const catalog = await table(
      "schema=Schema(NestedField(1, 'k', StringType()), NestedField(2, 'n', LongType()), NestedField(3, 'at', TimestamptzType())), partition_spec=PartitionSpec(PartitionField(3, 1000, DayTransform(), 'day'), PartitionField(1, 1001, IdentityTransform(), 'k'))",
    );
    const polls = await open(catalog);
    await python.run('append(t, rows(0, 30))');
    const first = await polls.inputs();
    await python.run(`
with t.update_spec() as u:
    u.remove_field('day')
    u.add_field('n', TruncateTransform(10), 'tens')
    u.remove_field('k')
    u.add_field('k', BucketTransform(4), 'bucket')
append(t, rows(30, 60))`);
    const all = [...first, ...(await polls.inputs())].sort((a, b) => Number(a['n']) - Number(b['n']));
    expect(all.map(({ k, n }) => ({ k, n }))).to.deep.equal((await theirs()).map(({ k, n }) => ({ k, n })));
  });

  for (const codec of ['uncompressed', 'snappy', 'zstd', 'gzip', 'lz4'])
    for (const version of [1, 2])
      it(`reads parquet compressed by ${codec} in a table of version ${version}`, async () => {
        const catalog = await table(
          `schema=ARROW, properties={'write.parquet.compression-codec': '${codec}', 'format-version': '${version}'}`,
        );
        const polls = await open(catalog);
        await python.run('append(t, rows(0, 3000))');
        const before = await polls.inputs();
        await python.run('append(t, rows(3000, 3100))');
        const all = [...before, ...(await polls.inputs())];
        expect(all.map(({ n }) => n)).to.deep.equal(Array.from({ length: 3_100 }, (_, i) => i));
        expect(all[1_999]).to.deep.equal({ k: 'k4', n: 1_999, at: '2020-01-01T00:33:19.000999Z' });
      });

  it('gives every type exactly, and names what no field holds', async () => {
    const catalog =
      await table(`schema=Schema(NestedField(1, 'n', LongType()), NestedField(2, 's', StringType()), NestedField(3, 'b', BooleanType()), NestedField(4, 'f', DoubleType()),
      NestedField(5, 'd', DecimalType(38, 10)), NestedField(6, 'at', TimestampType()), NestedField(7, 'tz', TimestamptzType()), NestedField(8, 'day', DateType()), NestedField(9, 'u', UUIDType()),
      NestedField(10, 'raw', BinaryType()), NestedField(11, 'fix', FixedType(4)), NestedField(12, 'l', ListType(13, LongType(), False)), NestedField(14, 'm', MapType(15, StringType(), 16, LongType(), False)))`);
    await python.run(`
columns = {'n': [9223372036854775807, -9223372036854775808, 3], 's': ['ünï\\u0000 🌿', '', None], 'b': [True, False, None], 'f': [0.1, -0.0, float('inf')],
  'd': [decimal.Decimal('9999999999999999999999999999.9999999999'), decimal.Decimal('-0.0000000001'), None],
  'at': [datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), datetime.datetime(2026, 1, 31, 12, 0, 0, 1), None], 'tz': [at(1), at(2), None],
  'day': [datetime.date(1969, 12, 31), datetime.date(2026, 1, 31), None], 'u': [uuid.UUID(int=1).bytes, uuid.UUID(int=2**127).bytes, None], 'raw': [b'\\x00\\xff', b'', None], 'fix': [b'abcd', b'\\x00' * 4, None],
  'l': [[1, None, 2**53 + 1], [], None], 'm': [[('a', 1)], [], None]}
append(t, columns)`);
    const fields = fieldsOf({
      n: 'int',
      s: 'string?',
      b: 'bool?',
      f: 'float?',
      d: 'decimal?',
      at: 'timestamp?',
      tz: 'timestamp?',
      day: 'date?',
      u: 'string?',
      raw: 'bytes?',
      fix: 'bytes?',
      l: { kind: 'list', optional: true, of: { kind: 'int', optional: true } },
      m: { kind: 'struct', optional: true, fields: fieldsOf({ a: 'int?' }) },
    });
    const [one, two, three] = await (await open(catalog, fields)).inputs();
    expect(one).to.deep.equal({
      n: 9_223_372_036_854_775_807n,
      s: 'ünï\u0000 🌿',
      b: true,
      f: 0.1,
      d: '9999999999999999999999999999.9999999999',
      at: '1969-12-31T23:59:59.999999Z',
      tz: '2020-01-01T00:00:01.000001Z',
      day: '1969-12-31',
      u: '00000000-0000-0000-0000-000000000001',
      raw: Uint8Array.of(0, 255),
      fix: Uint8Array.from(Buffer.from('abcd')),
      l: [1, null, 9_007_199_254_740_993n],
      m: { a: 1 },
    });
    expect(two).to.deep.include({
      n: -9_223_372_036_854_775_808n,
      s: '',
      b: false,
      d: '-0.0000000001',
      at: '2026-01-31T12:00:00.000001Z',
      l: [],
      m: {},
    });
    expect(three).to.be.instanceOf(UnreadableRow);
    expect((three as unknown as UnreadableRow).reason).to.equal('f: is Infinity, which no field holds: make it a finite number, or null');
  });

  it('reads files that were added without ids by the mapping of names', async () => {
    const catalog = await table(
      "schema=Schema(NestedField(1, 'k', StringType()), NestedField(2, 'n', LongType()), NestedField(3, 'at', TimestamptzType()))",
    );
    await python.run(`
import pyarrow.parquet as pq
pq.write_table(pa.table(rows(0, 5), schema=ARROW), '${folder}/outside.parquet')
t.add_files(['file://${folder}/outside.parquet'])`);
    expect((await (await open(catalog)).inputs()).map(({ k, n }) => [k, n])).to.deep.equal([0, 1, 2, 3, 4].map((n) => [`k${n}`, n]));
  });

  it('stops by name where snapshots were expired, the table rolled back, rows were taken away, or it is another table', async () => {
    const catalog = await table();
    await python.run('append(t, rows(0, 3))');
    const polls = await open(catalog);
    await polls.poll();
    await python.run('append(t, rows(3, 6)); append(t, rows(6, 9))');
    const ahead = await open(catalog);
    await ahead.poll();
    await python.run('t.manage_snapshots().set_current_snapshot(snapshot_id=t.history()[0].snapshot_id).commit()');
    await refused(ahead, /does not come from \d+, up to which it was read: it was rolled back/);
    await python.run('t.manage_snapshots().set_current_snapshot(snapshot_id=t.history()[2].snapshot_id).commit()');
    expect(await ahead.poll()).to.deep.equal([]);
    await python.run("t.delete('n == 4')");
    await refused(ahead, /snapshot \d+ \(overwrite\) of the table deletes or rewrites rows, and the records of Rows are events/);
    await python.run('t.maintenance.expire_snapshots().by_id(t.history()[0].snapshot_id).commit()');
    await refused(polls, /up to which the table was read, has been expired/);
    await python.run(
      `cat.drop_table('db.t${tables - 1}'); import shutil; shutil.rmtree(t.location().replace('file://', '')); t = cat.create_table('db.t${tables - 1}', schema=ARROW)`,
    );
    await refused(ahead, /is another one than was read/);
  });

  it('names a column that is missing or does not fit', async () => {
    const catalog = await table();
    await refused(await open(catalog, fieldsOf({ kk: 'string', at: 'timestamp' })), /no column 'kk' for Rows\.kk \(did you mean 'k'\?\)/);
    await refused(
      await open(catalog, fieldsOf({ k: 'int', at: 'timestamp' })),
      /the column k is string, which does not fill Rows\.k \(t\.int\)/,
    );
    expect(await (await open(catalog, fieldsOf({ k: 'string', at: 'timestamp', more: 'int?' }))).poll()).to.deep.equal([]);
  });

  it('follows rows that are rewritten on change, by key: only what is new, other or gone', async () => {
    const catalog = await table();
    await python.run('append(t, rows(0, 20))');
    const polls = await open(catalog, FIELDS, ['n'], 5);
    const loaded = await polls.inputs();
    expect(loaded).to.have.length(20);
    await python.run("t.delete('n == 3 or n >= 18')");
    const gone = await polls.inputs();
    expect(gone.map(({ op, n }) => [op, n])).to.have.deep.members([
      ['delete', 3],
      ['delete', 18],
      ['delete', 19],
    ]);
    await python.run("append(t, rows(18, 19)); t.upsert(pa.table({'k': ['new'], 'n': [5], 'at': [at(5)]}, schema=ARROW), join_cols=['n'])");
    const changed = await polls.inputs();
    const state = new Map(loaded.map((row) => [row['n'], row]));
    for (const row of [...gone, ...changed]) {
      if (row['op'] === 'delete') state.delete(row['n']);
      else state.set(row['n'], row);
    }
    expect(changed.length).to.be.lessThan(5);
    const ours = [...state.values()].sort((a, b) => Number(a['n']) - Number(b['n'])).map(({ k, n }) => ({ k, n }));
    expect(ours).to.deep.equal((await theirs()).map(({ k, n }) => ({ k, n })));
    const times = [...loaded, ...gone, ...changed].map((row) => parseTimestamp(row['op_time'])); // as texts, …28.7Z follows …28.709Z
    expect([...times].sort((a, b) => a - b)).to.deep.equal(times);
  });
});
