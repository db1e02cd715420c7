import { invalidArgument } from '../../libs/errors/errors.js';
import { decodeToken, type Token, type TokenKey } from '../../libs/feature/token.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { Instant } from '../../libs/timeline/timeline.js';
import type { QueryTime } from './answers.js';
import { TIMESTAMP_AHEAD_US_MAX } from './query-limits.js';

/** The question's time as the request has it, checked before anything is read. */
export interface AskedTime {
  readonly timestampUs: number | undefined;
  readonly knownAtUs: number;
  readonly token: Token | undefined;
}

export function askedTime({ timestampUs, knownAtUs, after }: QueryTime, nowUs: number, tokenKey: TokenKey): AskedTime {
  if (timestampUs !== undefined) checkTimestamp(timestampUs, nowUs, 'timestamp');
  return {
    timestampUs,
    knownAtUs: knownAtUs ?? Number.POSITIVE_INFINITY,
    token: after === undefined || after === '' ? undefined : decodeToken(after, tokenKey),
  };
}

/** Refuses the future (S3): its answer would change with every record that is still to come. */
export function checkTimestamp(timestampUs: number, nowUs: number, place: string): void {
  if (timestampUs <= nowUs + TIMESTAMP_AHEAD_US_MAX) return;
  throw invalidArgument(
    place,
    `${formatTimestamp(timestampUs)} is more than a minute ahead of the server's clock, ${formatTimestamp(nowUs)}: ask for the present or the past`,
  );
}

/** T (S3): what was asked, or now; with a token no earlier than the events behind it (S21). */
export function instantOf({ timestampUs, knownAtUs, token }: AskedTime, nowUs: number): Instant {
  return { asOfUs: timestampUs ?? Math.max(nowUs, token?.eventTimeUs ?? nowUs), knownAtUs };
}
