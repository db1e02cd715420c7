// Answers of the whole platform against PostgreSQL over the same flights, which come out of order. S2's
// windows are SQL's frames; what SQL has no frame for is asked of each question's own rows.
import { expect } from 'chai';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { formatTimestamp } from '../../../libs/time/timestamp.js';
import { RAW_VALUES_MAX } from '../../../libs/timeline/geometry.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { withoutFlightFiles } from '../../support/no-flight-files.js';
import { postgresPrograms, startPostgres, type Postgres } from '../../support/postgres.js';
import { HISTORY_KEYS, loadTables, sharesAround, sqlAnswers, type HistoryFeatureset, type SqlRow } from './flights-oracle.js';
import { askedOf, flightPartition, sampleFlights, seeded, type Flight, type Question } from './flights-sample.js';

type Features = Readonly<Record<string, unknown>>;

const SEED = 20_010_101;
/** A month of every eighth flight: the busiest airports have more than are kept raw for percentiles. */
const FLIGHTS = 60_000;
/** For each featureset, on each number of partitions. */
const QUESTIONS = 2_000;
const PUSH_EVENTS = 2_000;
/** Each sums in an order of its own (S8). */
const RELATIVE_ERROR_MAX = 1e-12;
/** A share of the values (S9), for what is read from digests. */
const RANK_ERROR_MAX = 0.005;

const FLOAT_SUMS = new Set(['mean_delay_1d', 'mean_delay_7d', 'mean_delay_ever', 'mean_pace_12h', 'pace_sum_1w']);
/** Features of windows without end: from digests once these hold more values than are kept raw. */
const FROM_DIGESTS = new Set(['p95_delay_ever', 'delay_rank_ever']);
/** Named by the oracle for this test's own use. */
const NOT_FEATURES = new Set(['q', 'events_ever']);

for (const partitions of [1, 3]) {
  describe(`flights against SQL, ${partitions} partition(s)`, function () {
    this.timeout(300_000);
    let postgres: Postgres | undefined;
    let platform: EmbeddedPlatform | undefined;
    let flights: Flight[];
    let questions: Question[];
    let removeFlights = (): void => undefined;

    before(async function () {
      if (postgresPrograms() === undefined) {
        if (process.env.CI === 'true') throw new Error('PostgreSQL is not installed: apt-get install postgresql');
        console.warn('SKIPPED: flights against SQL. PostgreSQL is not installed: apt-get install postgresql');
        return this.skip();
      }
      const random = seeded(SEED + partitions);
      flights = await sampleFlights(FLIGHTS, random);
      questions = askedOf(flights, QUESTIONS, random);
      postgres = await startPostgres();
      await loadTables(postgres.client, flights, questions, flightPartition(partitions));
      platform = await startEmbeddedPlatform({ partitions });
      const { context } = platform;
      removeFlights = await withoutFlightFiles(() => commitFile('test/integration/flights/flights-definitions.ts', context));
      await push(platform, flights);
    });
    after(async () => {
      await platform?.stop();
      await postgres?.stop();
      removeFlights();
    });

    it('per airport: every operator, over windows with and without end, with and without where (S2, S5, S6, S7, S8, S11)', async () => {
      const { given, said } = await bothAnswer('AirportHistory');
      const digested = given.map((_, i) => Number(said[i]?.events_ever) > RAW_VALUES_MAX);
      expectSame(given, said, (name, i) => !(FROM_DIGESTS.has(name) && digested[i] === true));
      const large = digested.flatMap((isLarge, i) => (isLarge ? [i] : []));
      expect(large, 'questions whose percentiles come from digests').to.have.length.above(50);
      await expectRanks(large, given, said);
    });

    it('per route, re-keyed: two fields are the key (S2, S7)', async () => {
      const { given, said } = await bothAnswer('RouteHistory');
      expectSame(given, said, () => true);
    });

    it('per destination, re-keyed: equal times stand in the order of the dataset topic, whichever partition they pass to (S7)', async () => {
      const { given, said } = await bothAnswer('DestinationHistory');
      expectSame(given, said, () => true);
    });

    async function bothAnswer(
      featureset: HistoryFeatureset,
    ): Promise<{ readonly given: readonly Features[]; readonly said: readonly SqlRow[] }> {
      if (postgres === undefined || platform === undefined) throw new Error('not started');
      const queries = questions.map((question) => ({
        entity_id: entityOf(featureset, question),
        timestamp: formatTimestamp(question.asOfUs),
      }));
      const { body } = await platform.client.post('/features/offline', { featureset, queries });
      const given = (body as { readonly results: readonly { readonly features: Features }[] }).results.map(({ features }) => features);
      const said = await sqlAnswers(postgres.client, featureset);
      expect([given.length, said.length]).to.deep.equal([QUESTIONS, QUESTIONS]);
      return { given, said };
    }

    function expectSame(
      given: readonly Features[],
      said: readonly SqlRow[],
      isExact: (feature: string, question: number) => boolean,
    ): void {
      for (const [i, row] of said.entries()) {
        const asked = { ...questions[i], at: formatTimestamp(questions[i]?.asOfUs ?? 0) };
        for (const [name, value] of Object.entries(row)) {
          if (NOT_FEATURES.has(name) || !isExact(name, i)) continue;
          const place = `${name} of ${JSON.stringify(asked)}`;
          if (FLOAT_SUMS.has(name)) expectClose(given[i]?.[name], value, place);
          else expect(given[i]?.[name], place).to.deep.equal(value);
        }
      }
    }

    /** The rank that was asked for lies among those of the values that equal the answer, give or take S9's error. */
    async function expectRanks(large: readonly number[], given: readonly Features[], said: readonly SqlRow[]): Promise<void> {
      if (postgres === undefined) throw new Error('not started');
      const shares = await sharesAround(
        postgres.client,
        large.map((question) => ({ question, value: Number(given[question]?.p95_delay_ever) })),
      );
      for (const [i, { below, upTo }] of shares.entries()) {
        const question = large[i] ?? -1;
        expect(0.95, `p95_delay_ever of question ${question}`).to.be.within(below - RANK_ERROR_MAX, upTo + RANK_ERROR_MAX);
        expect(given[question]?.delay_rank_ever, `delay_rank_ever of question ${question}`).to.be.closeTo(
          Number(said[question]?.delay_rank_ever),
          RANK_ERROR_MAX,
        );
      }
    }
  });
}

/** In order, so that a flight's place in its partition is its place in the list; then waits until every pipeline shows them (S21). */
async function push({ client }: EmbeddedPlatform, flights: readonly Flight[]): Promise<void> {
  let token = '';
  for (let start = 0; start < flights.length; start += PUSH_EVENTS) {
    const events = flights
      .slice(start, start + PUSH_EVENTS)
      .map(({ departedUs, ...flight }) => ({ ...flight, departed_at: formatTimestamp(departedUs) }));
    const { body } = await client.post('/api/v1/log', { dataset: 'Flight', events });
    token = String((body as { readonly token: string }).token);
  }
  for (const featureset of Object.keys(HISTORY_KEYS) as HistoryFeatureset[]) {
    await client.post('/features', { featureset, entity_id: entityOf(featureset, { origin: 'ATL', destination: 'ORD' }), after: token });
  }
}

/** One key is said bare, several by name. */
function entityOf(featureset: HistoryFeatureset, asked: Pick<Question, 'origin' | 'destination'>): unknown {
  const [first, ...others] = HISTORY_KEYS[featureset];
  return others.length === 0 && first !== undefined ? asked[first] : { origin: asked.origin, destination: asked.destination };
}

function expectClose(actual: unknown, expected: unknown, place: string): void {
  if (typeof actual !== 'number' || typeof expected !== 'number') expect(actual, place).to.equal(expected);
  else
    expect(Math.abs(actual - expected), `${place}: ${actual} against ${expected}`).to.be.at.most(
      RELATIVE_ERROR_MAX * Math.max(Math.abs(expected), Number.MIN_VALUE),
    );
}
