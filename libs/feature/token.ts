import { invalidArgument } from '../errors/errors.js';

/**
 * What a push answers with and a query takes as `after` (S21): how far the dataset topics had grown
 * with these records, and their newest event time. Opaque to clients; anybody can make one up, so
 * it grants nothing: the worst it does is wait for the caller's own deadline.
 *
 *     base64url( JSON [version, newest event time in µs or null, [[topic, partition, next offset], ...]] )
 */
export interface Token {
  readonly marks: readonly TokenMark[];
  /** The newest event time pushed, µs; -Infinity when nothing was. */
  readonly eventTimeUs: number;
}

export interface TokenMark {
  /** The dataset's topic. */
  readonly topic: string;
  readonly partition: number;
  /** One past the last record of the push in that partition. */
  readonly nextOffset: number;
}

const TOKEN_VERSION = 1;
/** One push touches one dataset, so this is the most partitions that a deployment has (1,024 slots). */
const MARKS_MAX = 1_024;
const TOKEN_LENGTH_MAX = 262_144;
const TOPIC_LENGTH_MAX = 512;

export function encodeToken(token: Token): string {
  const eventTimeUs = Number.isFinite(token.eventTimeUs) ? token.eventTimeUs : null;
  const marks = token.marks.map((mark) => [mark.topic, mark.partition, mark.nextOffset]);
  return Buffer.from(JSON.stringify([TOKEN_VERSION, eventTimeUs, marks])).toString('base64url');
}

/** INVALID_ARGUMENT for what is no token; a token of a newer version says so. */
export function decodeToken(text: string): Token {
  const parts = parse(text);
  if (parts === undefined) throw malformed();
  const [version, eventTimeUs, marks] = parts;
  if (version !== TOKEN_VERSION) throw invalidArgument('after', 'the token is of another version: use one that this deployment answered with');
  if (parts.length !== 3 || !(eventTimeUs === null || Number.isSafeInteger(eventTimeUs))) throw malformed();
  if (!Array.isArray(marks) || marks.length > MARKS_MAX) throw malformed();
  return { marks: marks.map(readMark), eventTimeUs: typeof eventTimeUs === 'number' ? eventTimeUs : Number.NEGATIVE_INFINITY };
}

function parse(text: string): readonly unknown[] | undefined {
  if (text.length > TOKEN_LENGTH_MAX || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined; // not JSON, so nobody's token
  }
}

function readMark(mark: unknown): TokenMark {
  if (!Array.isArray(mark) || mark.length !== 3) throw malformed();
  const [topic, partition, nextOffset] = mark as readonly unknown[];
  if (typeof topic !== 'string' || topic.length > TOPIC_LENGTH_MAX || !isCount(partition) || !isCount(nextOffset)) throw malformed();
  return { topic, partition, nextOffset };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(): Error {
  return invalidArgument('after', 'this is no token: pass the token that a push answered with, unchanged');
}
