import { SourceError } from '../source-error.js';

/** As the driver throws it: the system's number, and the SQL standard's class of it. */
interface DriverFailure {
  readonly message: string;
  readonly code?: number | string;
  readonly sqlState?: string;
}

/** SQLSTATE classes that no waiting mends: who may not log in, what is not there, what may not be read, what is no SQL. */
const FOR_PEOPLE = /^(28|3D|3F|42)/;
/** An object is not there, or the role may not see it; a value does not fit. */
const LASTING = new Set([2003, 2043, 3001, 91_930, 100_035, 100_038]);
/** A session or its token has ended: the next one logs in anew. */
const SESSION_ENDED = new Set([390_110, 390_111, 390_112, 390_113, 390_114, 390_115]);
/** Other answers to a login: a wrong user, password, key, role. */
const LOGIN_REFUSED = [390_100, 390_499] as const;
/** What the driver itself says of its options. */
const OPTIONS_REFUSED = [404_000, 405_999] as const;
const NO_WAREHOUSE = 606;
/** What is asked for is older than the table's history, or than the table. */
const NO_HISTORY = 707;
const NOT_TRACKED = 91_930;
const STATEMENT_TIMEOUT = 630;

/** In the words of the system; `doing` says what was asked of it. */
export function snowflakeError(doing: string, cause: unknown, { namesWarehouse = true } = {}): SourceError {
  if (cause instanceof SourceError) return cause;
  const { message, code, sqlState = '' } = (cause instanceof Error ? cause : { message: String(cause) }) as DriverFailure; // an Error has a message
  const number = Number(code ?? 0);
  const words = `${doing}: ${message}${message.includes(String(code ?? '')) ? '' : ` (${String(code)})`}${adviceOf(number, namesWarehouse)}`;
  const isLasting = number === NO_WAREHOUSE ? !namesWarehouse : isForPeople(number, sqlState);
  return new SourceError(isLasting ? 'stop' : 'retry', 'THYME_SOURCE_SNOWFLAKE', words, { cause });
}

/** The system has no table, or no changes, as of the instant that was asked for. */
export function isWithoutHistory(error: unknown): boolean {
  return error instanceof SourceError && Number((error.cause as Partial<DriverFailure> | undefined)?.code ?? 0) === NO_HISTORY; // as the driver threw it
}

/** `isFirst`: nothing was read yet. */
export function historyIsOver(words: string, cause: unknown, { isFirst }: { readonly isFirst: boolean }): SourceError {
  const said = cause instanceof Error ? cause.message : String(cause);
  if (isFirst) return new SourceError('retry', 'THYME_SOURCE_SNOWFLAKE', said, { cause });
  return new SourceError(
    'stop',
    'THYME_SOURCE_RETENTION',
    `the history of ${words} does not reach back to where it was read any more (${said}): raise the version of the dataset with upgrade: 'empty', ` +
      'which reads the table as it is; and keep DATA_RETENTION_TIME_IN_DAYS above what the source may stand still',
    { cause },
  );
}

function isForPeople(number: number, sqlState: string): boolean {
  if (SESSION_ENDED.has(number)) return false;
  const isWithin = ([from, to]: readonly [number, number]): boolean => from <= number && number <= to;
  return FOR_PEOPLE.test(sqlState) || LASTING.has(number) || isWithin(LOGIN_REFUSED) || isWithin(OPTIONS_REFUSED);
}

function adviceOf(number: number, namesWarehouse: boolean): string {
  if (number === STATEMENT_TIMEOUT) return ': give it a larger warehouse, or cluster the table by its cursor';
  if (number === NOT_TRACKED) return ': have its owner run ALTER TABLE ... SET CHANGE_TRACKING = TRUE';
  if (number !== NO_WAREHOUSE) return '';
  return namesWarehouse
    ? ': the warehouse is suspended, and does not resume by itself, or the role may not use it'
    : ': name a warehouse, or set THYME_SNOWFLAKE_WAREHOUSE';
}
