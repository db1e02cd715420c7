import { cannotReset, wouldRepeat } from '../seek-error.js';
import { futureBegin, streamMadeAnew } from './kinesis-errors.js';
import { type InitPosition, streamPlaceOf } from './kinesis-settings.js';
import type { StreamApi } from './stream-api.js';
import { CLOCK_STEP_MS, StreamPosition } from './stream-position.js';

/** The service's clock and those that stamp its records may differ by so much: `latest` begins before it. */
const LATEST_SLACK_MS = 1_000;

/** Where a stream is begun that was never read: where its parameters say. */
export function beginStream(api: StreamApi, signal: AbortSignal): Promise<StreamPosition> {
  const { initPosition, arn } = api.stream;
  return begin(api, { place: initPosition, future: (time) => futureBegin(arn, time) }, signal);
}

export interface StreamSeek {
  /** `latest`, `trim_horizon`, or a time; undefined: behind all that is there, to a second or two. */
  readonly to: string | undefined;
  /** What was published up to here is not published again; undefined where nothing was. */
  readonly from: StreamPosition | undefined;
}

/** Throws a SourceError where `to` names no place, or one before `from`. */
export async function seekStream(api: StreamApi, { to, from }: StreamSeek, signal: AbortSignal): Promise<StreamPosition> {
  const place = streamPlaceOf(to ?? 'latest');
  if (place === undefined)
    throw cannotReset(`'${String(to)}' is no place in a stream: write trim_horizon, latest, or a time such as 2026-01-31T12:00:00Z`);
  if (from === undefined) return begin(api, { place, future: futureReset }, signal);
  const { identity, serverMs } = await api.describe(signal);
  if (identity !== from.identity) {
    if (to !== undefined) throw streamMadeAnew(api.stream.arn);
    return begin(api, { place, future: futureReset }, signal); // nothing of this one was published
  }
  const reached = from.reachedMs;
  if (place === 'trim_horizon') throw wouldRepeat(place, new Date(reached).toISOString());
  const fromMs = startMsOf(place, serverMs, futureReset);
  if (typeof place === 'number' && place < reached) throw wouldRepeat(new Date(place).toISOString(), new Date(reached).toISOString());
  return from.putAhead({ fromMs, nowMs: serverMs, shards: [...(await api.shards(signal)).keys()] });
}

interface Begin {
  readonly place: InitPosition;
  /** Of a time that has yet to be. */
  readonly future: (time: Date) => Error;
}

async function begin(api: StreamApi, { place, future }: Begin, signal: AbortSignal): Promise<StreamPosition> {
  // The time first: a shard that is made between the two is listed, and begun from that time.
  const { identity, serverMs } = await api.describe(signal);
  const fromMs = place === 'trim_horizon' ? undefined : startMsOf(place, serverMs, future);
  return StreamPosition.begin({ identity, startMs: serverMs, fromMs, shards: [...(await api.shards(signal)).keys()] });
}

function startMsOf(place: 'latest' | number, serverMs: number, future: Begin['future']): number {
  if (place === 'latest') return serverMs - LATEST_SLACK_MS;
  if (place > serverMs + CLOCK_STEP_MS) throw future(new Date(place));
  return place;
}

function futureReset(time: Date): Error {
  return cannotReset(`${time.toISOString()} lies in the future: write a time that has been, or latest`);
}
