import pg from 'pg';

/** Draws in [0, 1): the same for one seed in each run. */
export type Draw = () => number;

export function drawFrom(seed: number): Draw {
  let state = seed % 2_147_483_647 || 1;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

export interface WriterOptions {
  readonly port: number;
  readonly draw: Draw;
  /** Changes left to be made, shared by all writers; those that are rolled back count too. */
  readonly left: { changes: number };
}

const GROUPS = 5;
const IDS = 400;

/** The table `item`, and `history`, in which a trigger writes down each version of its rows with its transaction. */
export const ITEM_TABLE = `
  CREATE TABLE item (id bigint PRIMARY KEY, g text NOT NULL, v int NOT NULL, note text NOT NULL, at timestamptz NOT NULL);
  CREATE TABLE history (seq bigserial, xid xid NOT NULL, id bigint NOT NULL, deleted boolean NOT NULL, g text, v int, note text, at timestamptz);
  CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id) THEN
      INSERT INTO history (xid, id, deleted) VALUES (pg_current_xact_id()::xid, OLD.id, true);
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO history (xid, id, deleted, g, v, note, at) VALUES (pg_current_xact_id()::xid, NEW.id, false, NEW.g, NEW.v, NEW.note, NEW.at);
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION remember();
  INSERT INTO item SELECT i, 'g' || i % ${GROUPS}, i, 'first ' || i, clock_timestamp() - i * interval '11 seconds' FROM generate_series(0, ${IDS / 2}) i`;

/** Random changes in random transactions, with savepoints and rollbacks, until none are left; a session that breaks is made anew. */
export async function writeItems({ port, draw, left }: WriterOptions): Promise<void> {
  while (left.changes > 0) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'thyme', database: 'postgres' });
    client.on('error', () => undefined); // the statement under way fails as well
    try {
      await client.connect();
      while (left.changes > 0) await transaction(client, draw, left).catch((error: unknown) => rolledBack(client, error));
    } catch {
      await new Promise((resolve) => setImmediate(resolve)); // the server is away
    }
    await client.end().catch(() => undefined); // it has ended already
  }
}

async function transaction(client: pg.Client, draw: Draw, left: { changes: number }): Promise<void> {
  await client.query('BEGIN');
  for (let i = 1 + Math.floor(draw() * 8); i > 0; i--) {
    const isTried = draw() < 0.25;
    if (isTried) await client.query('SAVEPOINT tried');
    await client.query(statement(draw));
    if (isTried) await client.query(draw() < 0.5 ? 'ROLLBACK TO SAVEPOINT tried' : 'RELEASE SAVEPOINT tried');
    left.changes--;
  }
  await client.query(draw() < 0.15 ? 'ROLLBACK' : 'COMMIT');
}

function statement(draw: Draw): string {
  const id = Math.floor(draw() * IDS);
  const values = `'g${Math.floor(draw() * GROUPS)}', ${Math.floor(draw() * 1_000)}, 'note ${Math.floor(draw() * 1e6)}', clock_timestamp() - ${Math.floor(draw() * 3_600e6)} * interval '1 microsecond'`;
  const kind = draw();
  if (kind < 0.45)
    return `INSERT INTO item VALUES (${id}, ${values}) ON CONFLICT (id) DO UPDATE SET (g, v, note, at) = (excluded.g, excluded.v, excluded.note, excluded.at)`;
  if (kind < 0.75) return `UPDATE item SET (g, v, note, at) = (${values}) WHERE id = ${id}`;
  if (kind < 0.82)
    return `UPDATE item SET id = ${Math.floor(draw() * IDS) + IDS} WHERE id = ${id} AND NOT EXISTS (SELECT FROM item WHERE id >= ${IDS} AND id % 7 = ${id % 7})`;
  return `DELETE FROM item WHERE id = ${id} OR id = ${id + IDS}`;
}

async function rolledBack(client: pg.Client, error: unknown): Promise<void> {
  // Deadlocks, and keys that two write at a time, belong to it; a session that broke is made anew.
  if (!(error instanceof Error && 'code' in error && /^(40P01|23505)$/.test(String(error.code)))) throw error;
  await client.query('ROLLBACK');
}

/**
 * What each group is at an instant, by Postgres itself (S17): a version of a row counts from its commit until the next one's,
 * the first one that was known from its event time on. Commits take effect in their order in the log, so none is before the one
 * ahead of it.
 */
export const ANSWERS = `
  WITH version AS (
    SELECT h.*, row_number() OVER w = 1 AS is_first, coalesce(c.at_us, 0) AS from_us, coalesce(lead(c.at_us) OVER w, 9e18) AS to_us
      FROM history h LEFT JOIN commit_order c ON c.xid = h.xid WINDOW w AS (PARTITION BY h.id ORDER BY coalesce(c.place, 0), h.seq)
  ), counted AS (
    SELECT *, (extract(epoch FROM at) * 1000000)::int8 AS at_us FROM version
     WHERE NOT deleted AND $1 >= (extract(epoch FROM at) * 1000000)::int8 AND (is_first OR $1 >= from_us) AND $1 < to_us
  )
  SELECT g.g, count(c.id)::int AS n, count(c.id) FILTER (WHERE c.at_us >= $1 - 1800000000)::int AS recent, coalesce(sum(c.v), 0)::int AS total, max(c.v) AS most,
         (array_agg(c.note ORDER BY c.at_us DESC, c.seq DESC))[1] AS newest
    FROM (SELECT 'g' || i AS g FROM generate_series(0, ${GROUPS - 1}) i) g LEFT JOIN counted c USING (g) GROUP BY g.g ORDER BY g.g`;

/** The commits of a slot that was made before them, in the order of the log: their own decoder's account of it, not ours. */
export const COMMIT_ORDER = `
  CREATE TABLE commit_order AS
  SELECT place, xid, max((extract(epoch FROM at) * 1000000)::int8) OVER (ORDER BY place) AS at_us
    FROM (SELECT place, (regexp_match(data, '^COMMIT (\\d+)'))[1]::xid AS xid, (regexp_match(data, '\\(at (.+)\\)$'))[1]::timestamptz AS at
            FROM pg_logical_slot_get_changes('oracle', NULL, NULL, 'include-timestamp', '1', 'skip-empty-xacts', '1') WITH ORDINALITY AS decoded(lsn, xid, data, place)
           WHERE data LIKE 'COMMIT %') AS commits`;
