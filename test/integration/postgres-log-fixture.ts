import { expect } from 'chai';
import type { Context } from 'mocha';
import type pg from 'pg';
import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { postgresConnector } from '../../libs/source/postgres/postgres-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { componentOrSkip } from '../support/component.js';
import { eventually } from '../support/eventually.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { NOW_US, numberDataset, SourcesFixture } from './sources-fixture.js';

/** Shorter than people would want, so that tests need not wait. */
export const TIMES = { statusMs: 200, silenceMs: 15_000, lookMs: 50 };
export const SETTINGS = ['wal_level=logical', 'max_replication_slots=50', 'max_wal_senders=50', 'track_commit_timestamp=on'];

/** A dataset whose rows are replaced by their `n`. */
export const upserts: Partial<DatasetDefinition> = { cdc: { mode: 'upsert', rowKey: ['n'] } };

/** A server whose log can be read, and sources that read it: for suites of `mode: 'cdc'`. */
export class PostgresLogFixture {
  fixture: SourcesFixture = this.#newFixture();
  readonly #started: Sources[] = [];
  #postgres: Postgres | undefined;

  /** For `before`; skips the suite where Postgres is not installed. */
  async open(suite: Context, settings: readonly string[] = []): Promise<void> {
    componentOrSkip(suite, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    this.#postgres = await startPostgres({ settings: [...SETTINGS, ...settings] });
  }

  /** For `after`. */
  async close(): Promise<void> {
    await this.#postgres?.stop();
  }

  /** For `beforeEach`: an empty log, and the server's time. */
  begin(): void {
    this.fixture = this.#newFixture();
  }

  /** For `afterEach`: nothing is left that the next test might meet. */
  async end(): Promise<void> {
    await this.stopAll();
    await eventually(async () => {
      const { rows } = await this.sql('SELECT slot_name AS slot FROM pg_replication_slots WHERE NOT active');
      for (const { slot } of rows) await this.sql(`SELECT pg_drop_replication_slot('${slot}')`);
      return (await this.sql('SELECT FROM pg_replication_slots')).rowCount === 0;
    }, 'the slots are gone');
    const { rows } = await this.sql('SELECT pubname AS name FROM pg_publication');
    for (const { name } of rows) await this.sql(`DROP PUBLICATION "${name}"`);
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((sources) => sources.stop({ graceMs: 1_000 })));
  }

  get postgres(): Postgres {
    if (this.#postgres === undefined) throw new Error('the server was not started');
    return this.#postgres;
  }

  sql(text: string): Promise<pg.QueryResult<Record<string, string>>> {
    return this.postgres.client.query<Record<string, string>>(text);
  }

  source(dataset: string, table: string, more: Partial<SourceDefinition> = {}, config: SourceDefinition['config'] = {}): SourceDefinition {
    const where = { table, mode: 'cdc', host: '127.0.0.1', port: this.postgres.port, user: 'thyme', database: 'postgres', ...config };
    return { dataset, connector: 'postgres', config: where, cdc: 'upsert', ...more };
  }

  async start(): Promise<Sources> {
    const sources = await this.fixture.start();
    this.#started.push(sources);
    return sources;
  }

  async restart(sources: Sources): Promise<Sources> {
    await sources.stop({ graceMs: 1_000 });
    this.#started.splice(this.#started.indexOf(sources), 1);
    return this.start();
  }

  /** Until so many rows are published or refused; throws what stops the source. */
  async reads(sources: Sources, rows: number): Promise<void> {
    await this.#eventually(sources, ([status]) => (status?.rows ?? 0) + (status?.refused ?? 0) >= rows, `${rows} rows are read`);
  }

  /** Until all of them have done their first load. */
  async follows(sources: Sources): Promise<void> {
    await this.#eventually(sources, (list) => list.every(({ position }) => position?.startsWith('WAL') === true), 'the first load is done');
  }

  /** The reason why it stands still. */
  async stops(sources: Sources): Promise<string> {
    let cause = '';
    await eventually(() => {
      const phase = sources.list()[0]?.phase;
      if (phase?.kind === 'retrying') throw new Error(`it is tried again: ${phase.cause}`);
      if (phase?.kind === 'stopped') cause = phase.cause;
      return phase?.kind === 'stopped';
    }, 'the source stands still');
    return cause;
  }

  /** Until what was written so far is confirmed to the server. */
  async isCaughtUp(sources: Sources): Promise<void> {
    const [row] = (await this.sql('SELECT pg_current_wal_lsn()::text AS end')).rows;
    const slots = `SELECT FROM pg_replication_slots WHERE confirmed_flush_lsn >= '${row?.['end'] ?? ''}' AND NOT temporary`;
    await this.#eventually(sources, async () => (await this.sql(slots)).rowCount !== 0, 'the slot has come to what was written');
  }

  /** The rows as the changes leave them, by the column that names them; checks that no change is older than the one before it. */
  async latest(dataset: string, column = 1, fields = numberDataset(dataset).fields): Promise<readonly (readonly unknown[])[]> {
    const rows = new Map<unknown, { readonly timeUs: number; readonly row: readonly unknown[] | undefined }>();
    for (const { row, change } of await this.fixture.published(dataset, 1, fields)) {
      const timeUs = change?.timeUs ?? 0;
      expect(timeUs).to.be.at.least(rows.get(row[column])?.timeUs ?? 0, `changes of row ${String(row[column])} in their order`);
      rows.set(row[column], { timeUs, row: change?.deleted === true ? undefined : row });
    }
    return [...rows.values()].flatMap(({ row }) => (row === undefined ? [] : [row])).sort((a, b) => Number(a[1]) - Number(b[1]));
  }

  async #eventually(
    sources: Sources,
    holds: (list: ReturnType<Sources['list']>) => boolean | Promise<boolean>,
    what: string,
  ): Promise<void> {
    await eventually(() => {
      const list = sources.list();
      for (const { phase } of list) if (phase.kind === 'stopped') throw new Error(phase.cause);
      return holds(list);
    }, what);
  }

  #newFixture(): SourcesFixture {
    const fixture = new SourcesFixture(new MemoryLog(), () => [postgresConnector(systemClock, TIMES)]);
    fixture.clock.advance((systemClock.nowUs() - NOW_US) / 1_000);
    return fixture;
  }
}
