import { basename, join } from 'node:path';
import pg from 'pg';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { FEED_TABLE, FEED_USER, type FeedPlaces, type FeedTable } from './feeds.js';

/** The databases of a run's rounds, on one server of Postgres. */
export interface FeedDatabases {
  /** With the table in it, for one round; undefined where there is no Postgres. */
  create(name: string): Promise<FeedTable | undefined>;
  stop(): Promise<void>;
}

/** Where Postgres is not installed, CI fails; others are told, and invoices come from files. */
export async function startFeedDatabases(say: (line: string) => void): Promise<FeedDatabases> {
  if (postgresPrograms() === undefined) {
    if (process.env['CI'] === 'true') throw new Error('PostgreSQL is not installed, and CI must test with it (apt-get install postgresql)');
    say('NOT TESTED: no source reads a table, since PostgreSQL is not installed (apt-get install postgresql)');
    return { create: async () => undefined, stop: async () => undefined };
  }
  const postgres = await startPostgres();
  return { create: (name) => createDatabase(postgres, name), stop: () => postgres.stop() };
}

/** A round's: a folder below its own, and a database of its folder's name. */
export async function feedPlaces(databases: FeedDatabases, folder: string): Promise<FeedPlaces> {
  return { folder: join(folder, 'feeds'), table: await databases.create(basename(folder)) };
}

async function createDatabase({ port, client }: Postgres, name: string): Promise<FeedTable> {
  await client.query(`CREATE DATABASE "${name}"`);
  const session = new pg.Client({ host: '127.0.0.1', port, database: name, user: FEED_USER });
  await session.connect();
  await session.query(FEED_TABLE);
  await session.end();
  return { port, database: name };
}
