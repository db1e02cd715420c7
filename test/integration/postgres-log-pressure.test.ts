// A reader of the log that is slow to take: what is read ahead is bounded, the server hears of it all the same, and knows how far it is.
import { expect } from 'chai';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { rulesOf } from '../../libs/definition/connectors.js';
import type { BatchLimits, SourceBatch } from '../../libs/source/connector.js';
import { postgresConnector } from '../../libs/source/postgres/postgres-connector.js';
import type { CaptureTimes } from '../../libs/source/postgres/cdc/capture-begin.js';
import { sourceSettings, type SourceSettings } from '../../libs/source/source-settings.js';
import { systemClock } from '../../libs/time/clock.js';
import { TcpProxy } from '../crash/tcp-proxy.js';
import { eventually } from '../support/eventually.js';
import { PostgresLogFixture, TIMES, upserts } from './postgres-log-fixture.js';
import { numberDataset } from './sources-fixture.js';

const LIMITS: BatchLimits = { rowsMax: 1_000, bytesMax: 1_000_000 };
const SENDER_TIMEOUT_MS = 1_000;

describe('a slow reader of the log of Postgres', function () {
  this.timeout(60_000);
  const world = new PostgresLogFixture();
  const sql = (text: string): ReturnType<PostgresLogFixture['sql']> => world.sql(text);
  let ending = new AbortController();

  before(async function () {
    await world.open(this, [`wal_sender_timeout=${SENDER_TIMEOUT_MS}ms`]);
  });
  after(() => world.close());
  beforeEach(() => {
    ending = new AbortController();
  });
  afterEach(async () => {
    ending.abort();
    await world.end();
  });

  function settingsOf(table: string, config: SourceDefinition['config']): SourceSettings {
    const source = world.source('A', table, {}, config);
    const rules = rulesOf(source);
    if (rules === undefined) throw new Error('no rules');
    return sourceSettings(source, numberDataset('A', upserts), rules, {
      variables: {},
      readFile: () => Promise.reject(new Error('no file')),
    });
  }

  /** Batches of one life, each asked for by `next`. */
  async function open(
    table: string,
    { config = {}, times = TIMES }: { readonly config?: SourceDefinition['config']; readonly times?: CaptureTimes } = {},
  ): Promise<{ next: () => Promise<SourceBatch>; ahead: () => Promise<SourceBatch>; lag: () => { readonly bytes?: number } }> {
    const reader = await postgresConnector(systemClock, times).open(settingsOf(table, config), ending.signal);
    const batches = reader.read(undefined, LIMITS, ending.signal)[Symbol.asyncIterator]();
    let before: SourceBatch | undefined;
    const ahead = async (): Promise<SourceBatch> => {
      const { value, done } = await batches.next();
      if (done === true) throw new Error('the stream ended');
      return (before = value);
    };
    const next = async (): Promise<SourceBatch> => {
      before?.onCommitted?.();
      return ahead();
    };
    return { next, ahead, lag: () => reader.lag() };
  }

  const sender = async (): Promise<Record<string, string>> =>
    (await sql(`SELECT pid, pg_wal_lsn_diff(pg_current_wal_lsn(), sent_lsn)::text AS unsent, flush_lsn FROM pg_stat_replication`))
      .rows[0] ?? {};

  it('holds up the server rather than fill its memory, is not taken for dead meanwhile, and goes on where it was', async () => {
    await sql(`CREATE TABLE flood (k text, n bigint PRIMARY KEY, at timestamptz)`);
    const { next } = await open('flood');
    for (let position = ''; !position.includes('"stream"');) position = JSON.stringify((await next()).position);
    await sql(`INSERT INTO flood VALUES ('k', -1, '2026-01-01')`);
    let batch = await next();
    while (batch.rows.length === 0) batch = await next();
    const { pid } = await sender();
    for (let part = 0; part < 20; part++)
      await sql(
        `INSERT INTO flood SELECT repeat('x', 1000), i, '2026-01-01' FROM generate_series(${part * 2_000}, ${part * 2_000 + 1_999}) i`,
      );
    const since = Date.now();
    await eventually(() => Date.now() - since > SENDER_TIMEOUT_MS * 3, 'several time limits of the server have passed');
    const held = await sender();
    expect(held['pid']).to.equal(pid);
    expect(Number(held['unsent'])).to.be.greaterThan(10_000_000);
    const numbers: number[] = [];
    while (numbers.length < 40_000) {
      const { rows } = await next();
      expect(rows.length).to.be.at.most(LIMITS.rowsMax);
      numbers.push(...rows.map(({ input }) => (input as { readonly n: number }).n));
    }
    expect(numbers).to.deep.equal(Array.from({ length: 40_000 }, (_, n) => n));
    expect((await sender())['pid']).to.equal(pid);
  });

  it('tells the server only of what is durable, and its own lag in bytes', async () => {
    await sql(`CREATE TABLE told (k text, n bigint PRIMARY KEY, at timestamptz)`);
    const { next, ahead, lag } = await open('told');
    for (let position = ''; !position.includes('"stream"');) position = JSON.stringify((await next()).position);
    await sql(`INSERT INTO told VALUES ('k', 1, '2026-01-01')`);
    let batch = await next();
    while (batch.rows.length === 0) batch = await next();
    const { done } = batch.position as { readonly done: string };
    const confirmed = async (): Promise<boolean> =>
      (await sql(`SELECT FROM pg_replication_slots WHERE confirmed_flush_lsn >= '${done}'`)).rowCount === 1;
    await sql(`INSERT INTO told SELECT 'k', i, '2026-01-01' FROM generate_series(2, 500) i`);
    await eventually(() => (lag().bytes ?? 0) > 10_000, 'it is behind');
    await ahead(); // read while the first one is being committed
    const since = Date.now();
    await eventually(() => Date.now() - since > TIMES.statusMs * 3, 'signs of life were given');
    expect(await confirmed()).to.equal(false);
    batch.onCommitted?.();
    await eventually(confirmed, 'the first batch is confirmed once it is committed');
  });

  it('keeps transactions together that fit, and cuts larger ones', async () => {
    await sql(`CREATE TABLE cut (k text, n bigint PRIMARY KEY, at timestamptz)`);
    const { next } = await open('cut');
    for (let position = ''; !position.includes('"stream"');) position = JSON.stringify((await next()).position);
    await sql(`INSERT INTO cut VALUES ('k', 0, '2026-01-01')`);
    let first = await next();
    while (first.rows.length === 0) first = await next();
    for (const [from, to] of [
      [1, 600],
      [601, 1_200],
      [1_201, 3_500],
    ])
      await sql(`INSERT INTO cut SELECT 'k', i, '2026-01-01' FROM generate_series(${from ?? 0}, ${to ?? 0}) i`);
    const sizes: number[] = [];
    for (let rows = 0; rows < 3_500;) {
      const batch = await next();
      if (batch.rows.length > 0) sizes.push(batch.rows.length);
      rows += batch.rows.length;
    }
    expect(sizes).to.deep.equal([600, 600, 1_000, 1_000, 300]);
  });

  it('takes a server for gone that is silent though it was asked to answer', async () => {
    await sql(`CREATE TABLE silent (k text, n bigint PRIMARY KEY, at timestamptz)`);
    const line = new TcpProxy(`127.0.0.1:${world.postgres.port}`);
    try {
      const port = Number((await line.start()).split(':')[1]);
      const { next } = await open('silent', { config: { port }, times: { ...TIMES, silenceMs: 1_000 } });
      for (let position = ''; !position.includes('"stream"');) position = JSON.stringify((await next()).position);
      await sql(`INSERT INTO silent VALUES ('k', 1, '2026-01-01')`);
      for (let rows = 0; rows === 0;) rows = (await next()).rows.length;
      line.state = 'black hole';
      let said = '';
      while (said === '') await next().catch((error: unknown) => (said = String(error)));
      expect(said).to.contain('the server was silent for 1 s');
    } finally {
      await line.stop();
    }
  });
});
