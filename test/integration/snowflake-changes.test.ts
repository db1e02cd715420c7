// What change tracking notes of a table, by answers as the driver reads them: fakesnow has no CHANGES. Contract-tested, against a table in
// memory that knows its history and what the clause gives of it: the net difference of two instants.
import { expect } from 'chai';
import { connectors, rulesOf } from '../../libs/definition/connectors.js';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { JsonValue, SourceRow } from '../../libs/source/connector.js';
import { snowflakeConnector } from '../../libs/source/snowflake/snowflake-connector.js';
import { sourceSettings } from '../../libs/source/source-settings.js';
import { systemClock } from '../../libs/time/clock.js';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';
import { type JsonAnswer, type JsonRequest, type JsonServer, startJsonServer } from '../support/json-server.js';
import { failed, isLogin, loggedIn, rows, sqlOf } from '../support/snowflake-stub.js';
import { NOW_US, numberDataset, SourcesFixture } from './sources-fixture.js';

const EVERY_MS = 5_000;
/** An hour before the runner's clock: a change is not of the future. */
const START_US = NOW_US - 3_600e6;
const DATASET = numberDataset('A', { cdc: { mode: 'upsert', rowKey: ['n'] } });

interface TrackedRow {
  readonly k: string;
  readonly n: number;
}

/** By the row's own id, which stays through updates of any column. */
type State = ReadonlyMap<number, TrackedRow>;

class TrackedTable {
  nowUs = START_US;
  /** What is answered instead, by what the statement holds. */
  refusal: { readonly of: RegExp; readonly answer: JsonAnswer } | undefined;
  readonly #history: { readonly atUs: number; readonly state: State }[] = [{ atUs: 0, state: new Map() }];

  /** A transaction, a minute after the one before; a row that is undefined is deleted. */
  commit(changes: Readonly<Record<number, TrackedRow | undefined>>): void {
    const state = new Map(this.at(Number.POSITIVE_INFINITY));
    for (const [id, row] of Object.entries(changes)) {
      if (row === undefined) state.delete(Number(id));
      else state.set(Number(id), row);
    }
    this.nowUs += 60e6;
    this.#history.push({ atUs: this.nowUs, state });
    this.nowUs += 30e6;
  }

  at(us: number): State {
    return this.#history.findLast(({ atUs }) => atUs <= us)?.state ?? new Map();
  }

  answer(request: JsonRequest): JsonAnswer {
    if (isLogin(request)) return loggedIn();
    const sql = sqlOf(request);
    if (this.refusal?.of.test(sql) === true) return this.refusal.answer;
    if (sql.startsWith('DESCRIBE'))
      return rows(
        ['text', 'text'],
        [
          ['K', 'VARCHAR(16777216)'],
          ['N', 'NUMBER(38,0)'],
          ['AT', 'TIMESTAMP_NTZ(9)'],
        ],
      );
    if (sql === 'SELECT SYSDATE()')
      return rows(['timestamp_ntz'], [[`${Math.floor(this.nowUs / 1e6)}.${String(this.nowUs % 1e6).padStart(6, '0')}000`]]);
    if (/OFFSET => -1/.test(sql)) return rows(['text'], []);
    const sample = /LIMIT 1$/.test(sql);
    if (sql === '') return { body: { success: true, data: {} } };
    const listed = this.#select(sql).map(([action, { k, n }]) => [...(sample ? [] : [action]), k, String(n), '1767225600.000001000']);
    return rows([...(sample ? [] : ['text']), 'text', 'fixed', 'timestamp_ntz'], listed);
  }

  /** What the clauses of the statement give: its order and what it leaves out are the statement's own. */
  #select(sql: string): readonly (readonly [string, TrackedRow])[] {
    const us = (clause: string): number =>
      parseTimestamp((new RegExp(`${clause} \\(TIMESTAMP => CAST\\('([^']+)'`).exec(sql)?.[1] ?? '').replace('+00:00', 'Z'));
    const taken = Number(/OFFSET (\d+)$/.exec(sql)?.[1] ?? 0);
    if (!sql.includes('CHANGES')) {
      const state = sql.includes('AT (') ? this.at(us('AT')) : this.at(Number.POSITIVE_INFINITY);
      return inOrder([...state.values()].map((row) => ['INSERT', row] as const)).slice(taken);
    }
    const [before, after] = [this.at(us('AT')), this.at(us('END'))];
    const changed = (id: number): boolean => JSON.stringify(before.get(id)) !== JSON.stringify(after.get(id));
    const inserts = [...after].filter(([id]) => changed(id)).map(([, row]) => ['INSERT', row] as const);
    const keys = new Set(inserts.map(([, { n }]) => n));
    const deletes = [...before].filter(([id, { n }]) => changed(id) && !keys.has(n)).map(([, row]) => ['DELETE', row] as const);
    return [...inOrder(deletes), ...inOrder(inserts)].slice(taken);
  }
}

function inOrder(listed: readonly (readonly [string, TrackedRow])[]): readonly (readonly [string, TrackedRow])[] {
  return [...listed].sort(([, a], [, b]) => a.n - b.n);
}

describe('the Snowflake source by change tracking, by answers of the service', () => {
  let table: TrackedTable;
  let server: JsonServer;
  const started: Sources[] = [];

  beforeEach(async () => {
    table = new TrackedTable();
    server = await startJsonServer((request) => table.answer(request));
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
    await server.close();
  });

  function source(): SourceDefinition {
    const endpointUrl = `http://127.0.0.1:${server.port}`;
    const config = { table: 't', mode: 'changes', account: 'acme-shop', user: 'reader', endpointUrl, password: { secret: 'env:PASSWORD' } };
    return { dataset: 'A', connector: 'snowflake', config, everyUs: EVERY_MS * 1_000, cdc: 'upsert' };
  }

  function settings() {
    const rules = rulesOf(source()) ?? connectors.get('snowflake');
    if (rules === undefined) throw new Error('snowflake has rules');
    return sourceSettings(source(), DATASET, rules, {
      variables: { PASSWORD: 'none' },
      readFile: () => Promise.reject(new Error('no file')),
    });
  }

  /** Reads to the end of a poll, by a reader of its own for every batch where it is cut. */
  async function poll(stored: JsonValue | undefined, rowsMax: number, isCut: boolean): Promise<{ position: JsonValue; rows: SourceRow[] }> {
    const { signal } = new AbortController();
    const read: SourceRow[] = [];
    let position = stored;
    for (let isOver = false; !isOver;) {
      const reader = await snowflakeConnector(systemClock).open(settings(), signal);
      isOver = true;
      for await (const batch of reader.read(position, { rowsMax, bytesMax: 1e6 }, signal)) {
        expect(batch.rows.length).to.be.at.most(rowsMax);
        read.push(...batch.rows);
        position = JSON.parse(JSON.stringify(batch.position)) as JsonValue;
        isOver = !isCut || batch.rows.length === 0;
        if (isCut) break;
      }
      await reader.close();
    }
    return { position: position ?? null, rows: read };
  }

  const COMMITS: readonly Readonly<Record<number, TrackedRow | undefined>>[] = [
    { 10: { k: 'a', n: 1 }, 11: { k: 'b', n: 2 }, 12: { k: 'c', n: 3 } },
    { 11: { k: 'bb', n: 2 }, 12: undefined, 13: { k: 'd', n: 4 } },
    { 10: { k: 'a', n: 2 }, 11: { k: 'bb', n: 1 } }, // two rows change their keys with one another
    { 13: { k: 'd', n: 7 } }, // one changes its key
    { 14: { k: 'e', n: 4 }, 11: undefined },
  ];

  it('gives the table, and then what each interval changed, each once, wherever it is cut', async () => {
    for (const [rowsMax, isCut] of [
      [100, false],
      [1, false],
      [1, true],
      [2, true],
    ] as const) {
      table = new TrackedTable();
      let position: JsonValue | undefined;
      const state = new Map<unknown, unknown>();
      let last = 0;
      let count = 0;
      for (const [i, changes] of COMMITS.entries()) {
        table.commit(changes);
        const polled = await poll(position, rowsMax, isCut);
        position = polled.position;
        count += polled.rows.length;
        for (const { input, historical } of polled.rows) {
          const { op, n, k, op_time } = input as Readonly<Record<string, unknown>>;
          expect(historical).to.equal(i === 0);
          if (op === 'delete') state.delete(n);
          else state.set(n, k);
          const us = parseTimestamp(op_time);
          expect(us)
            .to.be.at.least(last)
            .and.to.equal(table.nowUs - 10e6);
          last = us;
        }
        const theirs = [...table.at(table.nowUs).values()].map(({ n, k }) => [n, k] as const);
        expect([...state].sort(), `commit ${i}`).to.deep.equal(theirs.sort());
      }
      expect(count, `in batches of ${rowsMax}`).to.equal(3 + 3 + 2 + 2 + 2);
      expect((await poll(position, rowsMax, isCut)).rows).to.deep.equal([]);
    }
  });

  it('ends an interval where it began it, whatever was committed since', async () => {
    const { signal } = new AbortController();
    table.commit(COMMITS[0] ?? {});
    let position = (await poll(undefined, 10, false)).position;
    table.commit(COMMITS[1] ?? {});
    const reader = await snowflakeConnector(systemClock).open(settings(), signal);
    for await (const batch of reader.read(position, { rowsMax: 1, bytesMax: 1e6 }, signal)) {
      position = batch.position;
      break;
    }
    expect(reader.describe(position)).to.match(/^changes up to 2026-.*; 1 rows of those up to 2026-/);
    await reader.close();
    table.commit({ 11: undefined, 13: undefined, 10: { k: 'later', n: 1 } });
    const rest = await poll(position, 10, false);
    expect(rest.rows.map(({ input }) => [(input as { n: number }).n, (input as { k: string }).k])).to.deep.equal([
      [2, 'bb'],
      [4, 'd'],
    ]);
    const next = await poll(rest.position, 10, false);
    expect(next.rows.map(({ input, place }) => [(input as { op?: string }).op, place])).to.deep.equal([
      ['delete', 'T N 2'],
      ['delete', 'T N 4'],
      [undefined, 'T N 1'],
    ]);
  });

  async function start(): Promise<{ readonly sources: Sources; readonly fixture: SourcesFixture }> {
    const fixture = new SourcesFixture(new MemoryLog(), (clock) => [snowflakeConnector(clock)]);
    await fixture.commit([DATASET], [source()]);
    const sources = await fixture.start();
    started.push(sources);
    return { sources, fixture };
  }

  async function ends(sources: Sources, kind: 'stopped' | 'retrying' | 'waiting'): Promise<string> {
    await eventually(() => sources.list()[0]?.phase.kind === kind, `it is ${kind}`);
    const phase = sources.list()[0]?.phase;
    return phase !== undefined && 'cause' in phase ? phase.cause : '';
  }

  it('publishes changes by row key, from the end of their interval on (S17)', async () => {
    table.commit(COMMITS[0] ?? {});
    const { sources, fixture } = await start();
    await ends(sources, 'waiting');
    table.commit({ 12: undefined, 10: { k: 'z', n: 1 } });
    const before = sources.list()[0]?.successUs ?? 0;
    fixture.clock.advance(EVERY_MS);
    await eventually(() => (sources.list()[0]?.successUs ?? 0) > before, 'the next poll ends');
    const changes = (await fixture.published('A')).map(({ row, change }) => [row[0], row[1], change?.timeUs]);
    const [first, second] = [START_US + 80e6, START_US + 170e6];
    expect(changes).to.have.deep.members([
      ['a', 1, first],
      ['b', 2, first],
      ['c', 3, first],
      [row0(changes, 3, second), 3, second],
      ['z', 1, second],
    ]);
    expect(sources.list()[0]?.position).to.equal(`changes up to ${formatTimestamp(second).replace('Z', '+00:00')}`);
  });

  const NO_HISTORY = failed('000707', '02000', 'Time travel data is not available for table T.');
  const NOT_TRACKED = failed(
    '091930',
    '22023',
    'Change tracking is not enabled or has been missing for the time range requested on table T.',
  );

  it('waits for a table that is younger than its first interval, and stops where its history is over', async () => {
    table.commit(COMMITS[0] ?? {});
    table.refusal = { of: /AT \(TIMESTAMP/, answer: NO_HISTORY };
    const { sources, fixture } = await start();
    expect(await ends(sources, 'retrying')).to.contain('Time travel data is not available');
    table.refusal = undefined;
    await sources.setPaused('A', false);
    await ends(sources, 'waiting');
    table.commit(COMMITS[1] ?? {});
    table.refusal = { of: /CHANGES/, answer: NO_HISTORY };
    fixture.clock.advance(EVERY_MS);
    expect(await ends(sources, 'stopped'))
      .to.contain('the history of T does not reach back')
      .and.to.contain("upgrade: 'empty'")
      .and.to.contain('DATA_RETENTION_TIME_IN_DAYS');
  });

  it('says what a table lacks whose changes are not tracked, in sources test as well', async () => {
    table.commit(COMMITS[0] ?? {});
    const { sources, fixture } = await start();
    const tested = await sources.test('A', new AbortController().signal);
    expect(tested.steps.map(({ what, ok }) => [what, ok])).to.deep.equal([
      ['reached', true],
      ['columns', true],
      ['change tracking', true],
      ['may read', true],
    ]);
    expect(tested.sample).to.include({ k: 'a', n: 1 });
    await ends(sources, 'waiting');
    table.refusal = { of: /CHANGES/, answer: NOT_TRACKED };
    table.commit(COMMITS[1] ?? {});
    fixture.clock.advance(EVERY_MS);
    expect(await ends(sources, 'stopped'))
      .to.contain('Change tracking is not enabled')
      .and.to.contain('SET CHANGE_TRACKING = TRUE');
    const { steps } = await sources.test('A', new AbortController().signal);
    expect(steps.at(-1)).to.include({ what: 'change tracking', ok: false });
    expect(steps.at(-1)?.detail).to.contain('SET CHANGE_TRACKING = TRUE');
  });

  it('reads by statements that have one snapshot each, and writes nothing', async () => {
    table.commit(COMMITS[0] ?? {});
    const { position } = await poll(undefined, 10, false);
    table.commit(COMMITS[1] ?? {});
    await poll(position, 10, false);
    const statements = server.requests.map(sqlOf).filter((sql) => sql !== '');
    expect(statements.map((sql) => sql.split(' ')[0])).to.deep.equal(['DESCRIBE', 'SELECT', 'SELECT', 'DESCRIBE', 'SELECT', 'SELECT']);
    expect(statements[2]).to.equal(
      `SELECT 'INSERT' AS c0, "K" AS c1, "N" AS c2, "AT" AS c3 FROM "T" AT (TIMESTAMP => CAST('2026-01-31T11:01:20+00:00' AS TIMESTAMP_LTZ)) ORDER BY "N", HASH("K", "N", "AT") LIMIT NULL OFFSET 0`,
    );
    expect(statements[5])
      .to.contain(
        `FROM "T" CHANGES (INFORMATION => DEFAULT) AT (TIMESTAMP => CAST('2026-01-31T11:01:20+00:00' AS TIMESTAMP_LTZ)) END (TIMESTAMP => `,
      )
      .and.to.contain(
        `QUALIFY NOT (METADATA$ACTION = 'DELETE' AND COUNT_IF(METADATA$ACTION = 'INSERT') OVER (PARTITION BY "N") > 0) ORDER BY c0, "N"`,
      );
  });
});

/** Of a delete's record the row is what its key leaves of it. */
function row0(changes: readonly (readonly unknown[])[], n: number, timeUs: number): unknown {
  return changes.find(([, key, us]) => key === n && us === timeUs)?.[0];
}
