import type { Clock } from '../time/clock.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Fields of a line besides its message. Names, counts and errors; never keys, secrets or values of features. */
export type LogFields = Readonly<Record<string, unknown>>;

/** JSON lines on standard error, which nothing else writes to. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same logger with fields that every line carries. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Receives each line, newline included. Standard error when absent. */
  readonly write?: (line: string) => void;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** One line is one write: a longer one would let a single error flood the log. */
const LINE_LENGTH_MAX = 16_384;
/** Causes of causes that are followed. */
const CAUSE_DEPTH_MAX = 5;

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((line) => process.stderr.write(line));
  return loggerWith({}, options, write);
}

function loggerWith(fixed: LogFields, options: LoggerOptions, write: (line: string) => void): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (RANK[level] < RANK[options.level]) return;
      write(lineOf({ time: new Date(options.clock.nowUs() / 1_000).toISOString(), level, message, ...fixed, ...fields }));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => loggerWith({ ...fixed, ...fields }, options, write),
  };
}

function lineOf(entry: { readonly time: string; readonly level: LogLevel; readonly message: string }): string {
  let line: string;
  try {
    line = JSON.stringify(entry, (_name, value: unknown) => plain(value, 0));
  } catch {
    // A cycle or a throwing getter: the message matters more than the fields.
    line = JSON.stringify({ time: entry.time, level: entry.level, message: entry.message, fields: 'unprintable' });
  }
  if (line.length > LINE_LENGTH_MAX) {
    line = JSON.stringify({
      time: entry.time,
      level: entry.level,
      message: entry.message.slice(0, 1_024),
      truncated: line.slice(0, LINE_LENGTH_MAX / 2),
    });
  }
  return `${line}\n`;
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (!(value instanceof Error)) return value;
  const code = 'code' in value ? value.code : undefined;
  const cause = value.cause === undefined || depth >= CAUSE_DEPTH_MAX ? undefined : plain(value.cause, depth + 1);
  return { name: value.name, code, message: value.message, stack: value.stack, cause };
}
