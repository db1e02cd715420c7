// The same questions to PostgreSQL: an engine that shares nothing with ours, not even an idea of how.
import type pg from 'pg';
import type { Flight, Question } from './flights-sample.js';

/** What SQL says of a question: values by feature. */
export type SqlRow = Readonly<Record<string, unknown>>;

const CHUNK = 5_000;

const SCHEMA = `
  CREATE TABLE flight (id bigint, partition int, origin text, destination text, delay int, distance int, t timestamp, pace float8);
  CREATE TABLE question (q int, origin text, destination text, t timestamp);`;

const INDEXES = `
  CREATE INDEX ON flight (origin, t DESC, partition DESC, id DESC);
  CREATE INDEX ON flight (origin, destination, t DESC, partition DESC, id DESC);
  CREATE INDEX ON flight (destination, t DESC, partition DESC, id DESC);
  ANALYZE flight; ANALYZE question;`;

/** Microseconds since the epoch as a timestamp, exactly. */
const time = (column: string): string =>
  `timestamp '1970-01-01' + (${column} / 1000000) * interval '1 second' + (${column} % 1000000) * interval '1 microsecond'`;

/** Fills fresh tables; `partitionOf` gives each flight's partition, and its place in the list is its offset's order (S7). */
export async function loadTables(
  client: pg.Client,
  flights: readonly Flight[],
  questions: readonly Question[],
  partitionOf: (flight: Flight) => number,
): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS flight, question; ${SCHEMA}`);
  for (let start = 0; start < flights.length; start += CHUNK) {
    const chunk = flights.slice(start, start + CHUNK);
    await client.query(
      `INSERT INTO flight SELECT id, partition, origin, destination, delay, distance, ${time('us')}, distance::float8 / nullif(delay * delay, 0)::float8
       FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[]) AS f (id, partition, origin, destination, delay, distance, us)`,
      [
        chunk.map((_, i) => start + i),
        chunk.map(partitionOf),
        ...(['origin', 'destination', 'delay', 'distance', 'departedUs'] as const).map((name) => chunk.map((flight) => flight[name])),
      ],
    );
  }
  await client.query(
    `INSERT INTO question SELECT q, origin, destination, ${time('us')} FROM unnest($1::int[], $2::text[], $3::text[], $4::bigint[]) AS f (q, origin, destination, us)`,
    [
      questions.map((_, i) => i),
      questions.map(({ origin }) => origin),
      questions.map(({ destination }) => destination),
      questions.map(({ asOfUs }) => asOfUs),
    ],
  );
  await client.query(INDEXES);
}

const WINDOWS = { h1: '1 hour', h3: '3 hours', h6: '6 hours', h12: '12 hours', d1: '1 day', w1: '7 days', w2: '14 days' } as const;

/**
 * Aggregates over frames (S2): the questions stand among the events, with nulls in their columns, and
 * each one's frame is its window. `named` are SQL's expressions, over a window each.
 */
function framed(keys: string, named: Readonly<Record<string, string>>): string {
  const frame = (range: string): string => `(PARTITION BY ${keys} ORDER BY t RANGE BETWEEN ${range} PRECEDING AND CURRENT ROW)`;
  const windows = [
    ...Object.entries(WINDOWS).map(([name, length]) => `${name} AS ${frame(`INTERVAL '${length}'`)}`),
    `ever AS ${frame('UNBOUNDED')}`,
  ];
  return `
    SELECT * FROM (
      SELECT q, ${Object.entries(named)
        .map(([name, sql]) => `${sql} AS ${name}`)
        .join(', ')}
      FROM (SELECT NULL AS q, id, origin, destination, delay, distance, t, t AS departed_at, pace FROM flight
            UNION ALL SELECT q, NULL, origin, destination, NULL, NULL, t, NULL, NULL FROM question) AS event
      WINDOW ${windows.join(', ')}) AS answered
    WHERE q IS NOT NULL`;
}

/** What frames cannot say, of each question's own events: ordered sets, and the newest few (S7). */
function ordered(keys: readonly string[], named: Readonly<Record<string, string>>): string {
  const mine = keys.map((key) => `f.${key} = question.${key}`).join(' AND ');
  const expand = (sql: string): string =>
    sql
      .replaceAll(
        /\bOWN\((\w+)\)/g,
        (_, window: string) =>
          `flight f WHERE ${mine} AND f.t <= question.t${window === 'ever' ? '' : ` AND f.t >= question.t - INTERVAL '${WINDOWS[window as keyof typeof WINDOWS]}'`}`,
      )
      .replaceAll('NEWEST', 'ORDER BY f.t DESC, f.partition DESC, f.id DESC LIMIT');
  return `SELECT q, ${Object.entries(named)
    .map(([name, sql]) => `${expand(sql)} AS ${name}`)
    .join(', ')} FROM question`;
}

/** The share of values strictly below the newest one (S9). */
const rank = (window: string): string =>
  `(SELECT count(*) FILTER (WHERE f.delay < (SELECT f.delay FROM OWN(${window}) NEWEST 1))::float8 / nullif(count(*), 0) FROM OWN(${window}))`;
const percentile = (pct: number, column: string, window: string): string =>
  `(SELECT percentile_disc(${pct / 100}) WITHIN GROUP (ORDER BY f.${column}) FROM OWN(${window}))`;
const newest = (column: string, k: number, window: string, where = 'true'): string =>
  `ARRAY(SELECT f.${column} FROM OWN(${window}) AND ${where} NEWEST ${k})`;

const AIRPORT = {
  frames: {
    flights_1h: 'count(id) OVER h1',
    flights_1d: 'count(id) OVER d1',
    delayed_1d: 'count(id) FILTER (WHERE delay > 15) OVER d1',
    miles_7d: 'coalesce(sum(distance) OVER w1, 0)',
    mean_delay_1d: 'avg(delay) OVER d1',
    worst_delay_7d: 'max(delay) OVER w1',
    flights_ever: 'count(id) OVER ever',
    delayed_6h: 'count(id) FILTER (WHERE delay > 15) OVER h6',
    paced_1w: 'count(pace) OVER w1',
    miles_3h: 'coalesce(sum(distance) OVER h3, 0)',
    early_minutes_2w: 'coalesce(sum(delay) FILTER (WHERE delay < 0) OVER w2, 0)',
    pace_sum_1w: 'coalesce(sum(pace) OVER w1, 0)',
    mean_delay_ever: 'avg(delay) OVER ever',
    mean_pace_12h: 'avg(pace) OVER h12',
    min_delay_12h: 'min(delay) OVER h12',
    max_delay_ever: 'max(delay) OVER ever',
    min_pace_1w: 'min(pace) OVER w1',
    max_far_delay_1d: 'max(delay) FILTER (WHERE distance >= 1000) OVER d1',
    newest_late_1w: `to_char(max(departed_at) FILTER (WHERE delay > 60) OVER w1, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
  },
  sets: {
    p90_delay_7d: percentile(90, 'delay', 'w1'),
    p50_delay_1w: percentile(50, 'delay', 'w1'),
    p99_pace_2w: percentile(99, 'pace', 'w2'),
    p95_delay_ever: percentile(95, 'delay', 'ever'),
    delay_rank_1w: rank('w1'),
    delay_rank_ever: rank('ever'),
    last_destinations: newest('destination', 3, 'd1'),
    last_destination: '(SELECT f.destination FROM OWN(ever) NEWEST 1)',
    last_pace_12h: '(SELECT f.pace FROM OWN(h12) NEWEST 1)',
    last_known_pace_12h: '(SELECT f.pace FROM OWN(h12) AND f.pace IS NOT NULL NEWEST 1)',
    last_delays_6h: newest('delay', 5, 'h6'),
    last_known_paces: newest('pace', 4, 'ever', 'f.pace IS NOT NULL'),
    last_far_destinations_1d: `ARRAY(SELECT f.destination FROM
      (SELECT DISTINCT ON (f.destination) f.* FROM OWN(d1) AND f.distance > 1000 ORDER BY f.destination, f.t DESC, f.partition DESC, f.id DESC) AS f NEWEST 3)`,
    events_ever: '(SELECT count(*) FROM OWN(ever))',
  },
} as const;

const ROUTE = {
  frames: {
    flights_7d: 'count(id) OVER w1',
    mean_delay_7d: 'avg(delay) OVER w1',
    flights_2w: 'count(id) OVER w2',
    worst_delay_ever: 'max(delay) OVER ever',
  },
  sets: { p90_delay_2w: percentile(90, 'delay', 'w2'), last_delays: newest('delay', 3, 'ever') },
} as const;

const DESTINATION = {
  frames: { arrivals_6h: 'count(id) OVER h6', mean_delay_1d: 'avg(delay) OVER d1' },
  sets: { delay_rank_1d: rank('d1'), last_origins: newest('origin', 6, 'ever') },
} as const;

/** The featureset's features, as SQL says them. */
const SAYS = {
  AirportHistory: { keys: ['origin'], ...AIRPORT },
  RouteHistory: { keys: ['origin', 'destination'], ...ROUTE },
  DestinationHistory: { keys: ['destination'], ...DESTINATION },
} as const;

export type HistoryFeatureset = keyof typeof SAYS;

export const HISTORY_KEYS: Readonly<Record<HistoryFeatureset, readonly ('origin' | 'destination')[]>> = {
  AirportHistory: SAYS.AirportHistory.keys,
  RouteHistory: SAYS.RouteHistory.keys,
  DestinationHistory: SAYS.DestinationHistory.keys,
};

/** SQL's answers to questions [start, end), in order. */
export async function sqlAnswers(client: pg.Client, featureset: HistoryFeatureset): Promise<readonly SqlRow[]> {
  const { keys, frames, sets } = SAYS[featureset];
  const { rows } = await client.query<{ answer: string }>(
    `SELECT row_to_json(both_)::text AS answer FROM
       (SELECT * FROM (${framed(keys.join(', '), frames)}) AS a JOIN (${ordered(keys, sets)}) AS b USING (q)) AS both_ ORDER BY q`,
  );
  return rows.map(({ answer }) => JSON.parse(answer) as SqlRow);
}

/** For percentiles of large windows: the shares of the question's values below, and at or below, the answer that was given (S9). */
export async function sharesAround(
  client: pg.Client,
  given: readonly { readonly question: number; readonly value: number }[],
): Promise<readonly { readonly below: number; readonly upTo: number }[]> {
  const { rows } = await client.query<{ below: number; upTo: number }>(
    `SELECT (SELECT (count(*) FILTER (WHERE f.delay < value))::float8 / count(*) FROM flight f WHERE f.origin = question.origin AND f.t <= question.t) AS below,
            (SELECT (count(*) FILTER (WHERE f.delay <= value))::float8 / count(*) FROM flight f WHERE f.origin = question.origin AND f.t <= question.t) AS "upTo"
     FROM unnest($1::int[], $2::float8[]) WITH ORDINALITY AS given (q, value, place) JOIN question USING (q) ORDER BY place`,
    [given.map(({ question }) => question), given.map(({ value }) => value)],
  );
  return rows;
}
