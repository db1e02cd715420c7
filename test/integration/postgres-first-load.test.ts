// A large table at first load, with restarts of the reader and of the server in the middle: each row once. THYME_ROWS sets how many.
import { expect } from 'chai';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { eventually } from '../support/eventually.js';
import { PostgresLogFixture, upserts } from './postgres-log-fixture.js';
import { numberDataset } from './sources-fixture.js';

const ROWS = Number(process.env['THYME_ROWS'] ?? 20_000);
/** Of a busy machine, and no more than a floor. */
const ROWS_PER_S_MIN = 1_000;

describe('the first load of a large table of Postgres', function () {
  this.timeout(60_000 + (ROWS / ROWS_PER_S_MIN) * 1_000);
  const world = new PostgresLogFixture();

  before(async function () {
    await world.open(this);
    await world.sql(`CREATE TABLE large (k text, n bigint PRIMARY KEY, at timestamptz);
      INSERT INTO large SELECT 'k' || i % 1000, i, timestamptz '2026-01-01' + (i / 7) * interval '1 microsecond' FROM generate_series(0, ${ROWS - 1}) i`);
  });
  after(() => world.close());
  beforeEach(() => world.begin());
  afterEach(() => world.end());

  /** Each part with a deadline of its own, so that a large table has more of them. */
  async function reads(rows: () => number, wanted: number): Promise<void> {
    for (let before = rows(); before < wanted; before = rows()) {
      const now = before;
      await eventually(() => {
        world.fixture.clock.advance(1_000); // polls, and what is tried again
        return rows() > now || rows() >= wanted;
      }, `${wanted} rows are read, and not ${now}`);
    }
  }

  for (const mode of ['polled', 'by its log'] as const)
    it(`takes ${ROWS} rows once, ${mode}, over restarts of both sides`, async () => {
      const byLog = world.source('A', 'large');
      const { mode: _mode, ...config } = byLog.config;
      const polled: SourceDefinition = { ...byLog, config, cursor: 'at', everyUs: 5e6, cdc: 'append' };
      await world.fixture.commit([numberDataset('A', mode === 'polled' ? {} : upserts)], [mode === 'polled' ? polled : byLog]);
      let sources = await world.start();
      const rows = (): number => sources.list()[0]?.rows ?? 0;
      await reads(rows, ROWS / 4);
      await world.postgres.restart('immediate');
      await reads(rows, ROWS / 2);
      expect(rows()).to.be.lessThan(ROWS);
      sources = await world.restart(sources);
      await reads(rows, ROWS);
      const numbers = await world.fixture.numbers('A');
      expect(numbers).to.have.lengthOf(ROWS);
      expect(numbers.every((n, i) => n === i)).to.equal(true);
      expect((await world.fixture.published('A')).every(({ historical }) => historical)).to.equal(true);
    });
});
