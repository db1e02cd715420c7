import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { unlessAborted } from '../unless-aborted.js';

const CONNECT_MS = 10_000;
/** One fetch of a page; sorting a table without an index on its cursor is done by the first. */
const STATEMENT_MS = 300_000;
const LOCK_MS = 10_000;
const PORT = 5_432;

/** Everything as the text that the server sends: `pg` would cut microseconds and round numbers. */
export const AS_TEXT = { getTypeParser: () => (text: string) => text };

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];

/** `sql`: it reads only. `replication`: commands of replication, and no time limit, since making a slot waits for transactions to end. */
export type SessionKind = 'sql' | 'replication';

/** A session in UTC, with times in ISO form; ended when the signal aborts, whatever it waits for. */
export async function connectPostgres(settings: SourceSettings, signal: AbortSignal, kind: SessionKind = 'sql'): Promise<pg.Client> {
  const mode = sslModeOf(settings);
  const ca = settings.parameters.get('sslrootcert');
  const authority =
    ca === undefined
      ? undefined
      : await readFile(String(ca), 'utf8').catch((cause: unknown) => Promise.reject(unreadable(String(ca), cause)));
  let failure: unknown;
  for (const ssl of attemptsOf(mode, authority)) {
    signal.throwIfAborted();
    try {
      return await connect(settings, { ssl, kind }, signal);
    } catch (error) {
      if (failure === undefined || !isAboutTls(error)) failure = error;
      if (!isAboutTls(error)) break; // a wrong password is wrong either way
    }
  }
  throw connectFailed(settings, failure, kind);
}

interface SessionOptions {
  readonly ssl: ConnectionOptions | false;
  readonly kind: SessionKind;
}

async function connect(settings: SourceSettings, { ssl, kind }: SessionOptions, signal: AbortSignal): Promise<pg.Client> {
  const { parameters } = settings;
  const config: pg.ClientConfig & { replication?: string } = {
    host: String(parameters.get('host') ?? 'localhost'),
    port: Number(parameters.get('port') ?? PORT),
    database: textParameter(settings, 'database'),
    user: textParameter(settings, 'user'),
    password: (await settings.secret('password')) ?? '',
    ssl,
    types: AS_TEXT,
    connectionTimeoutMillis: CONNECT_MS,
    ...(kind === 'sql' ? { statement_timeout: STATEMENT_MS, lock_timeout: LOCK_MS } : { replication: 'database' }),
    application_name: 'thyme',
    options:
      '-c default_transaction_read_only=on -c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1 -c idle_in_transaction_session_timeout=0',
  };
  const client = new pg.Client(config);
  client.on('error', () => undefined); // the query that is under way fails, and says why
  const end = (): void => void client.end().catch(() => undefined);
  signal.addEventListener('abort', end, { once: true });
  client.once('end', () => signal.removeEventListener('abort', end));
  try {
    await unlessAborted(client.connect(), signal);
    return client;
  } catch (error) {
    end(); // it may have been aborted before anybody listened
    throw error;
  }
}

function sslModeOf({ parameters, source }: SourceSettings): SslMode {
  const given = String(parameters.get('sslmode') ?? 'prefer');
  const mode = SSL_MODES.find((one) => one === given);
  if (mode !== undefined) return mode;
  throw new SourceError(
    'stop',
    'THYME_SOURCE_PARAMETER',
    `sslmode of ${source.dataset}'s postgres source: '${given}' is none of ${SSL_MODES.join(', ')}`,
  );
}

/** What libpq does for each mode; `pg` has other meanings for the same words. */
function attemptsOf(mode: SslMode, ca: string | undefined): readonly (ConnectionOptions | false)[] {
  const unverified: ConnectionOptions = { rejectUnauthorized: false };
  const verified: ConnectionOptions = ca === undefined ? {} : { ca };
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, unverified];
    case 'prefer':
      return [unverified, false];
    case 'require': // with an authority at hand, libpq verifies it
      return [ca === undefined ? unverified : { ...verified, checkServerIdentity: () => undefined }];
    case 'verify-ca':
      return [{ ...verified, checkServerIdentity: () => undefined }];
    case 'verify-full':
      return [verified];
  }
}

function isAboutTls(error: unknown): boolean {
  return error instanceof Error && /SSL|TLS|certificate|pg_hba/i.test(error.message);
}

function unreadable(path: string, cause: unknown): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_PARAMETER', `sslrootcert: ${path} cannot be read in the ingest process`, { cause });
}

function connectFailed({ parameters }: SourceSettings, cause: unknown, kind: SessionKind): SourceError {
  const place = `${String(parameters.get('host') ?? 'localhost')}:${String(parameters.get('port') ?? PORT)}`;
  if (kind === 'replication' && cause instanceof Error && 'code' in cause && cause.code === NO_RIGHT)
    return new SourceError(
      'stop',
      'THYME_SOURCE_POSTGRES',
      `Postgres at ${place} cannot be reached: ${cause.message}: ${mended(parameters)}`,
      { cause },
    );
  return postgresError(`Postgres at ${place} cannot be reached`, cause);
}

const NO_RIGHT = '42501';

function mended(parameters: SourceSettings['parameters']): string {
  return `ALTER ROLE "${String(parameters.get('user')).replaceAll('"', '""')}" REPLICATION, or where the service is managed what it has instead, such as GRANT rds_replication`;
}

/** SQLSTATE classes that no waiting mends: who may not log in, what is not there, what may not be read. */
const FOR_PEOPLE = /^(28|3D|3F|42)/;

/** The server's own words behind ours; whether it may be better later is decided by its SQLSTATE. */
export function postgresError(what: string, cause: unknown): SourceError {
  if (cause instanceof SourceError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const words = cause instanceof Error ? cause.message : String(cause);
  return new SourceError(
    FOR_PEOPLE.test(code) ? 'stop' : 'retry',
    'THYME_SOURCE_POSTGRES',
    `${what}: ${words}${code === '' ? '' : ` (${code})`}`,
    { cause },
  );
}
