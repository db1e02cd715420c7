import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidArgument } from '../errors/errors.js';

/**
 * What a push answers with and a query takes as `after` (S21): how far the dataset topics had grown
 * with these records, and their newest event time. Opaque to clients, and authenticated: one that was
 * made up could lift the instant that a query is answered at, or have it wait for what never comes.
 *
 *     payload | . | base64url( first 16 bytes of HMAC-SHA-256(the deployment's token key, payload) )
 *
 *     payload = base64url( JSON [version, newest event time in µs or null, [[topic, partition, next offset], ...]] )
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

/** By which a deployment's tokens are known; throws UNAVAILABLE while this process has not heard it. */
export type TokenKey = () => Uint8Array;

/** Version 1 was not authenticated: such a token is refused, and its push long applied. */
const TOKEN_VERSION = 2;
const MAC_BYTES = 16;
/** One push touches one dataset, so this is the most partitions that a deployment has (1,024 slots). */
const MARKS_MAX = 1_024;
const TOKEN_LENGTH_MAX = 262_144;
const TOPIC_LENGTH_MAX = 512;

export function encodeToken(token: Token, key: TokenKey): string {
  const eventTimeUs = Number.isFinite(token.eventTimeUs) ? token.eventTimeUs : null;
  const marks = token.marks.map((mark) => [mark.topic, mark.partition, mark.nextOffset]);
  const payload = Buffer.from(JSON.stringify([TOKEN_VERSION, eventTimeUs, marks])).toString('base64url');
  return `${payload}.${macOf(payload, key).toString('base64url')}`;
}

/** INVALID_ARGUMENT for what is no token, or none of this deployment's; a token of another version says so. */
export function decodeToken(text: string, key: TokenKey): Token {
  const [payload = '', mac = '', ...rest] = text.length > TOKEN_LENGTH_MAX ? [] : text.split('.');
  const parts = rest.length === 0 ? parse(payload) : undefined;
  if (parts === undefined) throw malformed();
  const [version, eventTimeUs, marks] = parts;
  if (version !== TOKEN_VERSION)
    throw invalidArgument('after', 'the token is of another version: use one that this deployment has answered with since it was upgraded');
  // Nothing of the payload is gone by before this.
  if (!isMac(mac, macOf(payload, key)))
    throw invalidArgument('after', 'the token is not of this deployment: pass the token that a push to it answered with, unchanged');
  if (parts.length !== 3 || !(eventTimeUs === null || Number.isSafeInteger(eventTimeUs))) throw malformed();
  if (!Array.isArray(marks) || marks.length > MARKS_MAX) throw malformed();
  return { marks: marks.map(readMark), eventTimeUs: typeof eventTimeUs === 'number' ? eventTimeUs : Number.NEGATIVE_INFINITY };
}

function macOf(payload: string, key: TokenKey): Buffer {
  return createHmac('sha256', key()).update(payload).digest().subarray(0, MAC_BYTES);
}

function isMac(text: string, expected: Buffer): boolean {
  const given = Buffer.from(text, 'base64url');
  // The text as well: base64 has several spellings of the same bytes.
  return given.length === MAC_BYTES && timingSafeEqual(given, expected) && given.toString('base64url') === text;
}

/**
 * A token that covers what both cover (S21): per partition the later offset, and the newer event time. Any order of merging gives the same
 * marks. INVALID_ARGUMENT beyond MARKS_MAX partitions, which is more than pushes into one dataset touch.
 */
export function mergeTokens(left: Token, right: Token): Token {
  const marks = new Map<string, TokenMark>();
  for (const mark of [...left.marks, ...right.marks]) {
    const place = `${mark.partition} ${mark.topic}`;
    const known = marks.get(place);
    if (known === undefined || known.nextOffset < mark.nextOffset) marks.set(place, mark);
  }
  if (marks.size > MARKS_MAX)
    throw invalidArgument(
      'after',
      `would make a token of ${marks.size} partitions, over the limit of ${MARKS_MAX}: wait for the two tokens apart`,
    );
  return { marks: [...marks.values()], eventTimeUs: Math.max(left.eventTimeUs, right.eventTimeUs) };
}

function parse(text: string): readonly unknown[] | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
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
