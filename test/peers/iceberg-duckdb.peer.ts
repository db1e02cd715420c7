// What the source gives of each snapshot is what DuckDB reads of the same files: pyiceberg says which data and delete files a snapshot
// has (DuckDB's own extension for Iceberg is none of its library), and SQL applies deletes by position and by equality as the
// format's specification says.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { hasIcebergJava, icebergJavaWhat, startIcebergCatalog, type RunningCatalog } from '../../infra/iceberg/iceberg-catalog.js';
import { canonicalDecimal } from '../../libs/schema/decimal.js';
import type { Field } from '../../libs/schema/value-type.js';
import { parseTimestamp } from '../../libs/time/timestamp.js';
import { componentOrSkip } from '../support/component.js';
import { fieldsOf, IcebergPolls, icebergSettings } from '../support/iceberg-reading.js';
import { DUCKDB_VENV, duckdbWhat, hasDuckDb, hasPyIceberg, PyIceberg, pyicebergWhat } from '../support/pyiceberg.js';

/** Of a snapshot: `content` 0 data, 1 deletes by position, 2 deletes by equality of the columns `ids`; `seq` its sequence number. */
const FILES = `
def files(t):
    t = t.refresh()
    found = []
    for m in t.current_snapshot().manifests(t.io):
        for e in m.fetch_manifest_entry(t.io, discard_deleted=True):
            f = e.data_file
            found.append({'content': int(f.content), 'path': f.file_path, 'seq': e.sequence_number, 'ids': [t.schema().find_field(i).name for i in (f.equality_ids or [])]})
    return {'snapshot': str(t.current_snapshot().snapshot_id), 'files': found}
`;

/** `read(files, columns)`: the live rows of a snapshot by n, each column as SQL writes it. */
const DUCKDB = `
import duckdb, json
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
def of(f, columns): return f"SELECT {columns}, {f['seq']} AS seq FROM read_parquet('{f['path'].replace('file://', '')}', file_row_number = true)"
def read(files, columns):
    names = ', '.join(f'"{c}"' for c in columns)
    data = [f for f in files if f['content'] == 0]
    if not data: return []
    sql = 'SELECT * FROM (' + ' UNION ALL '.join(of(f, f"{names}, file_row_number AS pos, '{f['path']}' AS file") for f in data) + ') AS d WHERE true'
    by_position = [f for f in files if f['content'] == 1]
    if by_position:
        deletes = ' UNION ALL '.join(of(f, 'file_path AS at_file, pos AS at_pos') for f in by_position)
        sql += f' AND NOT EXISTS (SELECT 1 FROM ({deletes}) AS p WHERE p.at_file = d.file AND p.at_pos = d.pos AND p.seq >= d.seq)'
    for f in (f for f in files if f['content'] == 2):
        same = ' AND '.join(f'e."{c}" IS NOT DISTINCT FROM d."{c}"' for c in f['ids'])
        sql += f" AND NOT EXISTS (SELECT 1 FROM ({of(f, ', '.join(chr(34) + c + chr(34) for c in f['ids']))}) AS e WHERE {same} AND e.seq > d.seq)"
    texts = ', '.join(f'CAST(epoch_us("{c}") AS VARCHAR)' if c == 'at' else f'CAST("{c}" AS VARCHAR)' for c in columns)
    return [list(row) for row in con.execute(f'SELECT {texts} FROM ({sql}) ORDER BY n').fetchall()]
`;

type Row = Readonly<Record<string, unknown>>;
type Texts = readonly (readonly (string | null)[])[];

describe('the iceberg source and DuckDB on the same files', function () {
  this.timeout(300_000);
  let folder: string;
  let python: PyIceberg;
  let duckdb: PyIceberg;
  const opened: IcebergPolls[] = [];

  before(async function () {
    componentOrSkip(this, hasPyIceberg(), pyicebergWhat);
    componentOrSkip(this, hasDuckDb(), duckdbWhat);
    folder = await mkdtemp(join(tmpdir(), 'thyme-iceberg-'));
    python = PyIceberg.start();
    duckdb = PyIceberg.start({}, DUCKDB_VENV);
    await python.run(FILES);
    await duckdb.run(DUCKDB);
  });

  after(async () => {
    await Promise.all([python?.stop(), duckdb?.stop()]);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  afterEach(() => Promise.all(opened.splice(0).map((polls) => polls.close())));

  async function open(config: Parameters<typeof icebergSettings>[0], fields: readonly Field[]): Promise<IcebergPolls> {
    const polls = await IcebergPolls.open(icebergSettings(config, fields, ['n'], { CREDENTIAL: 'user:secret' }), 50);
    opened.push(polls);
    return polls;
  }

  /** What DuckDB reads of the current snapshot of `t`. */
  async function theirs(fields: readonly Field[]): Promise<Texts> {
    const { files } = (await python.run('result = files(t)')) as { readonly files: unknown }; // as FILES makes it
    const columns = fields.map(({ name }) => name);
    return (await duckdb.run(`result = read(json.loads(${JSON.stringify(JSON.stringify(files))}), ${JSON.stringify(columns)})`)) as Texts;
  }

  it('agree on 30 snapshots of appends, deletes and upserts by pyiceberg, in each type', async () => {
    const fields = fieldsOf({ n: 'int', k: 'string?', at: 'timestamp', d: 'decimal?', f: 'float?', day: 'date?', b: 'bool?' });
    const catalog = String(
      await python.run(`
import datetime, decimal, random
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import *
cat = SqlCatalog('c', uri='sqlite:///${folder}/catalog.db', warehouse='file://${folder}')
cat.create_namespace('db')
t = cat.create_table('db.types', schema=Schema(NestedField(1, 'n', LongType()), NestedField(2, 'k', StringType()), NestedField(3, 'at', TimestamptzType()), NestedField(4, 'd', DecimalType(38, 9)),
  NestedField(5, 'f', DoubleType()), NestedField(6, 'day', DateType()), NestedField(7, 'b', BooleanType())))
draw = random.Random(15)
def row(n):
    at = datetime.datetime(1969, 12, 31, 23, 59, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=draw.randrange(10**14))
    d = decimal.Decimal(draw.randrange(-10**37, 10**37)).scaleb(-9, decimal.Context(prec=60))
    some = lambda value: None if draw.random() < 0.1 else value
    return {'n': n, 'k': some(draw.choice(['', 'é', '日本 😀', 'e\\u0301'])), 'at': at, 'd': some(d), 'f': some(draw.uniform(-1, 1) * 10.0 ** draw.randrange(-300, 300)), 'day': some(at.date()), 'b': some(draw.random() < 0.5)}
def rows(ns): return pa.Table.from_pylist([row(n) for n in ns], schema=t.schema().as_arrow())
t.append(rows(range(60)))
result = t.location()`),
    );
    const polls = await open({ table: 'types', catalog }, fields);
    const state = new Map<number, Row>();
    for (let round = 0; round < 30; round++) {
      if (round > 0)
        await python.run(`
if ${round} % 3 == 0: t.append(rows(range(${100 + round * 10}, ${105 + round * 10})))
elif ${round} % 3 == 1: t.delete(f'n >= {draw.randrange(60)} and n <= {draw.randrange(60)}') if ${round} % 2 == 0 else t.delete(f'n == {${round}}')
else: t.upsert(rows(sorted({draw.randrange(60), draw.randrange(400), ${round}})), join_cols=['n'])`);
      apply(state, await polls.inputs());
      expect(texts(state, fields), `round ${round}`).to.deep.equal(canonical(await theirs(fields), fields));
    }
    expect(state.size).to.be.greaterThan(30);
  });

  it('agree on each commit of the Java library: deletes by equality, by other columns, by position, and compaction', async function () {
    componentOrSkip(this, await hasIcebergJava(), icebergJavaWhat);
    const java: RunningCatalog = await startIcebergCatalog(folder);
    try {
      await java.say('create t PARQUET');
      await python.run(`from pyiceberg.catalog import load_catalog\nt = None\nrest = load_catalog('rest', type='rest', uri='${java.url}')`);
      const fields = fieldsOf({ n: 'int', k: 'string', at: 'timestamp' });
      const config = { table: 't', catalog: java.url, database: 'db', credential: { secret: 'env:CREDENTIAL' } };
      await java.say('append t 0 50');
      await python.run("t = rest.load_table('db.t')");
      const polls = await open(config, fields);
      const state = new Map<number, Row>();
      const commits = ['1,2 - - 1,100', '- k3 - -', '- - 4,5 5', '100,1 k5 7 101,102', '101 - - 101'].map((words) => `change t ${words}`);
      for (const commit of ['', 'compact t', ...commits, 'append t 200 220', 'change t 200 - 102 300']) {
        if (commit !== '') await java.say(commit);
        apply(state, await polls.inputs());
        expect(texts(state, fields), commit).to.deep.equal(await theirs(fields));
        const whole = new Map<number, Row>();
        apply(whole, await (await open(config, fields)).inputs());
        expect(texts(whole, fields), `${commit}, loaded`).to.deep.equal(texts(state, fields));
      }
    } finally {
      await java.stop();
    }
  });
});

/** The state that changes lead to. */
function apply(state: Map<number, Row>, rows: readonly Row[]): void {
  for (const row of rows) {
    if (row['op'] === 'delete') state.delete(Number(row['n']));
    else state.set(Number(row['n']), row);
  }
}

/** As DuckDB writes them, by n. */
function texts(state: ReadonlyMap<number, Row>, fields: readonly Field[]): Texts {
  const rows = [...state].sort(([a], [b]) => a - b).map(([, row]) => row);
  return canonical(
    rows.map((row) =>
      fields.map(({ name }) => {
        const value = row[name];
        if (value === null || value === undefined) return null;
        return name === 'at' ? String(parseTimestamp(value)) : String(value); // of these types
      }),
    ),
    fields,
  );
}

/** Equal numbers as equal texts. */
function canonical(rows: Texts, fields: readonly Field[]): Texts {
  const same = (text: string, kind: string): string =>
    kind === 'decimal' ? (canonicalDecimal(text) ?? text) : kind === 'float' ? String(Number(text)) : text;
  return rows.map((row) => row.map((text, i) => (text === null ? null : same(text, fields[i]?.type.kind ?? ''))));
}
