import { createPrivateKey } from 'node:crypto';
import type { Connection, ConnectionOptions, RowStatement } from 'snowflake-sdk';
import { importPeer } from '../import-peer.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { unlessAborted } from '../unless-aborted.js';
import { snowflakeError } from './snowflake-error.js';
import { storedName } from './snowflake-names.js';
import type { Cell } from './snowflake-values.js';

/** After that the system ends the statement. */
const STATEMENT_S = 300;
/** The driver asks again by itself after a failure of the line; more is the runner's. */
const RETRIES_MAX = 1;
/** Of each statement. Names of zones and formats are the session's, and would be the user's. */
const PARAMETERS = { STATEMENT_TIMEOUT_IN_SECONDS: STATEMENT_S, TIMEZONE: 'UTC', QUERY_TAG: 'thyme' };

/** It reports how it is configured, asks what cloud it runs in, and loads native code; there are no other ways to say no. */
const SWITCHES = ['SF_TELEMETRY_DISABLE_CONNECTION_SHAPE', 'SNOWFLAKE_DISABLE_PLATFORM_DETECTION', 'SNOWFLAKE_DISABLE_MINICORE'];

export type Cells = readonly Cell[];

/** A session, which only reads: the system has no way to say so, but the role can. */
export class SnowflakeSession {
  readonly #connection: Connection;
  readonly #namesWarehouse: boolean;

  private constructor(connection: Connection, namesWarehouse: boolean) {
    this.#connection = connection;
    this.#namesWarehouse = namesWarehouse;
  }

  static async open(settings: SourceSettings, signal: AbortSignal): Promise<SnowflakeSession> {
    // Read by the driver when it is loaded and at each login. Whoever wants them sets them to something else.
    for (const name of SWITCHES) process.env[name] ??= 'true';
    const { default: sdk } = await importPeer('snowflake', 'snowflake-sdk@3', () => import('snowflake-sdk'));
    const options = await optionsOf(settings);
    // The driver would write a log into the folder that it is started in.
    sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
    try {
      const connection = sdk.createConnection(options);
      const connected = new Promise<void>((resolve, reject) => {
        connection.connect((error) => (error === undefined || error === null ? resolve() : reject(error)));
      });
      const session = new SnowflakeSession(connection, settings.parameters.has('warehouse'));
      void connected.then(
        () => (signal.aborted ? session.close() : undefined), // nobody waits for it any more
        () => undefined,
      );
      await unlessAborted(connected, signal);
      return session;
    } catch (error) {
      if (signal.aborted) throw error;
      throw snowflakeError(`Snowflake cannot be reached as ${textParameter(settings, 'user')}`, error);
    }
  }

  /** All rows of a statement that gives a few. */
  async rows(sqlText: string, signal: AbortSignal): Promise<readonly Cells[]> {
    const all: Cells[] = [];
    for await (const page of this.pages({ sqlText, binds: [], pageRows: 1_000 }, signal)) all.push(...page);
    return all;
  }

  /** The rows of one statement, which are of one snapshot; numbers as text. */
  async *pages(
    { sqlText, binds, pageRows }: { readonly sqlText: string; readonly binds: readonly string[]; readonly pageRows: number },
    signal: AbortSignal,
  ): AsyncGenerator<readonly Cells[]> {
    let statement: RowStatement | undefined;
    try {
      const done = new Promise<RowStatement>((resolve, reject) => {
        const begun = this.#connection.execute({
          sqlText,
          binds: [...binds],
          parameters: PARAMETERS,
          streamResult: true,
          rowMode: 'array',
          fetchAsString: ['Number'],
          complete: (error, completed) => (error ? reject(error) : resolve(completed)),
        });
        statement = begun;
      });
      const completed = await unlessAborted(done, signal);
      statement = undefined;
      yield* pagesOf(completed, pageRows, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw snowflakeError('a query failed', error, { namesWarehouse: this.#namesWarehouse });
    } finally {
      statement?.cancel(() => undefined); // nobody reads what it would cost
    }
  }

  async close(): Promise<void> {
    if (!this.#connection.isUp()) return;
    await new Promise<void>((resolve) => this.#connection.destroy(() => resolve()));
  }
}

async function* pagesOf(statement: RowStatement, pageRows: number, signal: AbortSignal): AsyncGenerator<readonly Cells[]> {
  const rows = statement.streamRows({ fetchAsString: ['Number'] });
  const end = (): void => void rows.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    let page: Cells[] = [];
    for await (const row of rows as AsyncIterable<Cells>) {
      page.push(row);
      if (page.length < pageRows) continue;
      yield page;
      page = [];
    }
    signal.throwIfAborted();
    if (page.length > 0) yield page;
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

async function optionsOf(settings: SourceSettings): Promise<ConnectionOptions> {
  const { parameters } = settings;
  const endpoint = endpointOf(settings);
  const named = (name: string): Record<string, string> => {
    const value = parameters.get(name);
    if (value !== undefined) storedName(String(value), name); // refused where it is no name; the system folds it itself
    return value === undefined ? {} : { [name]: String(value) };
  };
  return {
    account: textParameter(settings, 'account'),
    username: textParameter(settings, 'user'),
    ...(endpoint === undefined ? {} : { accessUrl: endpoint }),
    ...named('database'),
    ...named('schema'),
    ...named('warehouse'),
    ...named('role'),
    ...(await credentialsOf(settings)),
    application: 'thyme',
    representNullAsStringNull: false, // else a number that is null comes as the text NULL
    sfRetryMaxLoginRetries: RETRIES_MAX,
    ...{ sfRetryMaxNumRetries: RETRIES_MAX, largeResultSetRetryMaxNumRetries: RETRIES_MAX },
  };
}

function endpointOf(settings: SourceSettings): string | undefined {
  const endpoint = settings.parameters.get('endpointUrl');
  if (endpoint === undefined) return undefined;
  if (URL.canParse(String(endpoint)) && /^https?:/.test(String(endpoint))) return String(endpoint);
  throw wrong(settings, `endpointUrl '${String(endpoint)}' is no address: write it as https://host:port`);
}

/** The key where there is one, else the password. */
async function credentialsOf(settings: SourceSettings): Promise<ConnectionOptions> {
  const key = await settings.secret('privateKey');
  if (key !== undefined) {
    const passphrase = await settings.secret('privateKeyPassphrase');
    return { authenticator: 'SNOWFLAKE_JWT', privateKey: readKey(key, passphrase, settings) };
  }
  const password = await settings.secret('password');
  if (password !== undefined) return { password };
  throw wrong(settings, 'it has neither privateKey nor password: name one as a secret, or set THYME_SNOWFLAKE_PRIVATE_KEY');
}

function readKey(pem: string, passphrase: string | undefined, settings: SourceSettings): string {
  try {
    const key = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
    return String(key.export({ type: 'pkcs8', format: 'pem' }));
  } catch (cause) {
    const words =
      passphrase === undefined ? 'if it is encrypted, name privateKeyPassphrase as well' : 'or privateKeyPassphrase is another one';
    throw wrong(settings, `privateKey cannot be read as a private key in PEM; ${words}`, cause);
  }
}

function wrong({ source }: SourceSettings, words: string, cause?: unknown): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_PARAMETER', `the snowflake source of ${source.dataset}: ${words}`, { cause });
}
