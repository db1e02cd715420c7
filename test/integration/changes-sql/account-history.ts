// The same table in PostgreSQL, its history kept by a trigger as rows with the range of instants at which they were what the table had; and
// windows over them as SQL says them.
import type pg from 'pg';
import { formatTimestamp } from '../../../libs/time/timestamp.js';
import type { AccountChange, Question } from './account-sample.js';

/** What SQL says of a question: values by feature. */
export type SqlRow = Readonly<Record<string, unknown>>;

const CHUNK = 10_000;

/** The first row of an account has no lower end: there is nothing that it could stand beside, so it counts from its event time on (S17). */
const SCHEMA = `
  CREATE TABLE account (account text PRIMARY KEY, owner text, region text, number int, cents int, at timestamptz, partition int);
  CREATE TABLE history (account text, owner text, region text, number int, cents int, at timestamptz, partition int, valid tstzrange);
  CREATE INDEX history_open ON history (account) WHERE upper_inf(valid);
  CREATE TABLE seen (account text PRIMARY KEY);
  CREATE TABLE change (n int PRIMARY KEY, op timestamptz, account text, owner text, region text, number int, cents int, at timestamptz, partition int);
  CREATE TABLE question (q int, owner text, region text, t timestamptz);

  CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE op timestamptz := current_setting('accounts.op')::timestamptz;
  BEGIN
    IF TG_OP <> 'INSERT' THEN
      UPDATE history SET valid = tstzrange(lower(valid), op) WHERE account = OLD.account AND upper_inf(valid);
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO history SELECT NEW.*, tstzrange((SELECT op FROM seen WHERE account = NEW.account), NULL);
      INSERT INTO seen VALUES (NEW.account) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER history AFTER INSERT OR UPDATE OR DELETE ON account FOR EACH ROW EXECUTE FUNCTION keep_history();

  CREATE FUNCTION change_accounts() RETURNS void LANGUAGE plpgsql AS $$
  DECLARE c change;
  BEGIN
    FOR c IN SELECT * FROM change ORDER BY n LOOP
      PERFORM set_config('accounts.op', c.op::text, true);
      IF c.number IS NULL THEN
        DELETE FROM account WHERE account.account = c.account;
      ELSE
        INSERT INTO account VALUES (c.account, c.owner, c.region, c.number, c.cents, c.at, c.partition)
        ON CONFLICT (account) DO UPDATE SET owner = excluded.owner, region = excluded.region, number = excluded.number, cents = excluded.cents, at = excluded.at;
      END IF;
    END LOOP;
  END $$;`;

const INDEXES = `
  CREATE INDEX ON history (owner, at); CREATE INDEX ON history (region, at);
  ANALYZE history; ANALYZE question;`;

/** Makes the changes, one after another, on a fresh table; resolves to how many rows its history then has. */
export async function keepHistory(
  client: pg.Client,
  changes: readonly AccountChange[],
  { questions, partitionOf }: { readonly questions: readonly Question[]; readonly partitionOf: (change: AccountChange) => number },
): Promise<number> {
  await client.query(`SET TIME ZONE 'UTC'; ${SCHEMA}`);
  await load(
    client,
    'change',
    changes.map((change, n) => {
      const { account, opUs, row } = change;
      const columns = row === undefined ? {} : { ...row, at: formatTimestamp(row.atUs) };
      return { n, op: formatTimestamp(opUs), account, ...columns, partition: partitionOf(change) };
    }),
  );
  await load(
    client,
    'question',
    questions.map(({ owner, region, asOfUs }, q) => ({ q, owner, region, t: formatTimestamp(asOfUs) })),
  );
  await client.query(`SELECT change_accounts(); ${INDEXES}`);
  const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM history');
  return rows[0]?.count ?? 0;
}

async function load(client: pg.Client, table: string, rows: readonly object[]): Promise<void> {
  for (let start = 0; start < rows.length; start += CHUNK) {
    const chunk = JSON.stringify(rows.slice(start, start + CHUNK));
    await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [chunk]);
  }
}

const within = (interval: string): string => `FILTER (WHERE at >= t - INTERVAL '${interval}')`;
const newest = (k: number, filter = ''): string => `(array_agg(number ORDER BY at DESC, partition DESC, number DESC) ${filter})[1:${k}]`;
const list = (sql: string): string => `coalesce(${sql}, '{}')`;

const OWNER = {
  accounts_3d: `(count(*) ${within('3 days')})::int`,
  accounts: 'count(*)::int',
  valued_12h: `(count(cents) ${within('12 hours')})::int`,
  cents_7d: `coalesce(sum(cents) ${within('7 days')}, 0)::float8`,
  mean_5d: `(avg(cents) ${within('5 days')})::float8`,
  least: 'min(cents)',
  least_1d: `min(cents) ${within('1 day')}`,
  most_4d: `max(cents) ${within('4 days')}`,
  median: 'percentile_disc(0.5) WITHIN GROUP (ORDER BY cents)',
  p95_6d: `percentile_disc(0.95) WITHIN GROUP (ORDER BY cents) ${within('6 days')}`,
  newest_6d: list(newest(5, within('6 days'))),
};
const REGION = {
  accounts_1d: `(count(*) ${within('1 day')})::int`,
  accounts: 'count(*)::int',
  cents_7d: `coalesce(sum(cents) ${within('7 days')}, 0)::float8`,
  mean: 'avg(cents)::float8',
  least_2d: `min(cents) ${within('2 days')}`,
  most: 'max(cents)',
  median: 'percentile_disc(0.5) WITHIN GROUP (ORDER BY cents)',
  newest: list(newest(8)),
};

/**
 * In the order of the questions, the first `count` of them: of the rows that the table had at T, the windows over their event
 * times (S2).
 */
export async function sqlAnswers(
  client: pg.Client,
  featureset: 'OwnerSignals' | 'RegionSignals',
  count: number,
): Promise<readonly SqlRow[]> {
  const [key, named, filter] = featureset === 'OwnerSignals' ? ['owner', OWNER, 'true'] : ['region', REGION, 'cents >= 1000'];
  const columns = Object.entries(named).map(([name, sql]) => `${sql} AS ${name}`);
  const { rows } = await client.query<SqlRow>(
    `SELECT answer.* FROM question, LATERAL (
       SELECT ${columns.join(', ')} FROM history WHERE history.${key} = question.${key} AND at <= t AND valid @> t AND ${filter}) AS answer
     WHERE q < $1 ORDER BY q`,
    [count],
  );
  return rows;
}

/** Of a value in a region's window without end at a question's T: the shares of values below it, and up to it. */
export async function sharesAround(
  client: pg.Client,
  asked: readonly { readonly question: number; readonly value: number }[],
): Promise<readonly { readonly below: number; readonly upTo: number }[]> {
  const { rows } = await client.query<{ readonly below: number; readonly upTo: number }>(
    `SELECT share.* FROM unnest($1::int[], $2::float8[]) WITH ORDINALITY AS a (q, value, place) JOIN question USING (q), LATERAL (
       SELECT (count(*) FILTER (WHERE cents < value))::float8 / count(*) AS below, (count(*) FILTER (WHERE cents <= value))::float8 / count(*) AS "upTo"
       FROM history WHERE history.region = question.region AND at <= t AND valid @> t AND cents >= 1000) AS share ORDER BY place`,
    [asked.map(({ question }) => question), asked.map(({ value }) => value)],
  );
  return rows;
}
