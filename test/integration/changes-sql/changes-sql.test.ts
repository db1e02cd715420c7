// Answers over rows that are updated and deleted (S17), against PostgreSQL's own history of the same table. THYME_CHANGES says
// how many changes, THYME_CHANGES_INSTANTS how many instants are asked: before, on and behind a change or a window's edge, to
// the microsecond.
import { expect } from 'chai';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { RAW_VALUES_MAX } from '../../../libs/timeline/geometry.js';
import { formatTimestamp } from '../../../libs/time/timestamp.js';
import { Random } from '../../crash/random.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { postgresPrograms, startPostgres, type Postgres } from '../../support/postgres.js';
import { keepHistory, sharesAround, sqlAnswers, type SqlRow } from './account-history.js';
import { accountPartition, sampleChanges, sampleQuestions, type AccountChange, type Question } from './account-sample.js';

type Features = Readonly<Record<string, unknown>>;

const CHANGES = Number(process.env.THYME_CHANGES ?? '6000');
const INSTANTS = Number(process.env.THYME_CHANGES_INSTANTS ?? '1000');
/** A region holds a good part of the table, which SQL reads anew for each question. */
const REGION_INSTANTS = Math.ceil(INSTANTS / 5);
const SEED = 20_261_130;
const PARTITIONS = 3;
const PUSH_EVENTS = 2_000;
/** Each sums in an order of its own (S8). */
const RELATIVE_ERROR_MAX = 1e-12;
/** A share of the values (S9), for what is read from digests. */
const RANK_ERROR_MAX = 0.005;
const MEANS = new Set(['mean_5d', 'mean']);

describe(`${CHANGES} changes of a table against its history in SQL (S2, S5, S6, S7, S8, S9, S17)`, function () {
  this.timeout(3_600_000);
  let postgres: Postgres | undefined;
  let platform: EmbeddedPlatform | undefined;
  let questions: Question[];

  before(async function () {
    if (postgresPrograms() === undefined) {
      if (process.env.CI === 'true') throw new Error('PostgreSQL is not installed: apt-get install postgresql');
      console.warn('SKIPPED: changes against SQL. PostgreSQL is not installed: apt-get install postgresql');
      return this.skip();
    }
    const random = new Random(SEED);
    const nowUs = Date.now() * 1_000;
    const changes = sampleChanges(CHANGES, nowUs - 3_600e6, random);
    questions = sampleQuestions(changes, INSTANTS, nowUs, random);
    postgres = await startPostgres();
    const versions = await keepHistory(postgres.client, changes, { questions, partitionOf: accountPartition(PARTITIONS) });
    expect(versions).to.equal(changes.filter(({ row }) => row !== undefined).length);
    platform = await startEmbeddedPlatform({ partitions: PARTITIONS });
    await commitFile('test/integration/changes-sql/account-definitions.ts', platform.context);
    await push(platform, changes);
  });
  after(async () => {
    await platform?.stop();
    await postgres?.stop();
  });

  it('per owner, to whom a change may move a row: every operator, over windows with and without end', async () => {
    const { given, said } = await bothAnswer('OwnerSignals', INSTANTS);
    expectSame(given, said, () => true);
  });

  it('per region, of a good part of the table, behind a filter: from the tree and its digests', async () => {
    const { given, said } = await bothAnswer('RegionSignals', REGION_INSTANTS);
    const digested = said.map(({ accounts }) => Number(accounts) > RAW_VALUES_MAX);
    expectSame(given, said, (name, i) => name !== 'median' || digested[i] !== true);
    const large = digested.flatMap((isLarge, i) => (isLarge ? [{ question: i, value: Number(given[i]?.median) }] : []));
    if (CHANGES >= 100_000) expect(large, 'medians from digests').to.have.length.above(100);
    if (postgres === undefined) throw new Error('not started');
    for (const [i, { below, upTo }] of (await sharesAround(postgres.client, large)).entries())
      expect(0.5, `the median of question ${large[i]?.question}`).to.be.within(below - RANK_ERROR_MAX, upTo + RANK_ERROR_MAX);
  });

  async function bothAnswer(
    featureset: 'OwnerSignals' | 'RegionSignals',
    count: number,
  ): Promise<{ readonly given: readonly Features[]; readonly said: readonly SqlRow[] }> {
    if (postgres === undefined || platform === undefined) throw new Error('not started');
    const queries = questions
      .slice(0, count)
      .map(({ owner, region, asOfUs }) => ({
        entity_id: featureset === 'OwnerSignals' ? owner : region,
        timestamp: formatTimestamp(asOfUs),
      }));
    const { body } = await platform.client.post('/features/offline', { featureset, queries });
    const given = (body as { readonly results: readonly { readonly features: Features }[] }).results.map(({ features }) => features);
    const said = await sqlAnswers(postgres.client, featureset, count);
    expect([given.length, said.length]).to.deep.equal([count, count]);
    expect(said.filter(({ accounts }) => Number(accounts) > 0)).to.have.length.above(count / 2);
    return { given, said };
  }

  function expectSame(given: readonly Features[], said: readonly SqlRow[], isExact: (feature: string, question: number) => boolean): void {
    for (const [i, row] of said.entries()) {
      for (const [name, value] of Object.entries(row)) {
        if (!isExact(name, i)) continue;
        const place = `${name} of ${JSON.stringify(questions[i])}`;
        const actual = given[i]?.[name];
        if (MEANS.has(name) && typeof actual === 'number' && typeof value === 'number')
          expect(Math.abs(actual - value), place).to.be.at.most(RELATIVE_ERROR_MAX * Math.abs(value));
        else expect(actual, place).to.deep.equal(value);
      }
    }
  }
});

/** In order, as a connector would; then waits until both pipelines show them (S21). */
async function push({ client }: EmbeddedPlatform, changes: readonly AccountChange[]): Promise<void> {
  let token = '';
  for (let start = 0; start < changes.length; start += PUSH_EVENTS) {
    const events = changes.slice(start, start + PUSH_EVENTS).map(({ account, opUs, row }) => {
      const op = { account, op_time: formatTimestamp(opUs) };
      if (row === undefined) return { ...op, op: 'delete' };
      const { atUs, ...columns } = row;
      return { ...op, ...columns, at: formatTimestamp(atUs) };
    });
    token = String(((await client.post('/api/v1/log', { dataset: 'Account', events })).body as { readonly token: string }).token);
  }
  for (const [featureset, entity_id] of [
    ['OwnerSignals', 'owner_0'],
    ['RegionSignals', 'north'],
  ])
    await client.post('/features', { featureset, entity_id, after: token });
}
