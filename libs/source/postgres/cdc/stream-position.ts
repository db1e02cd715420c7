import type { JsonValue } from '../../connector.js';
import { SourceError } from '../../source-error.js';
import { formatLsn, type Lsn, parseLsn } from './lsn.js';

/** What a position was taken from: another server, table or slot has other places. */
export interface CaptureIdentity {
  /** As `initdb` drew it; stand-bys that are promoted keep it. */
  readonly system: string;
  readonly table: number;
  readonly slot: string;
  readonly publication: string;
}

/**
 * A part of the first load: the rows with keys up to `upTo` (behind those of the part before it; null: all the rest) were read
 * as of `lsn`. A load that is broken off goes on in a snapshot of its own, so a table is loaded in as many parts as that
 * happened, plus one. A change that was committed before its row's part was read is in that part already.
 */
export interface LoadedPart {
  readonly lsn: Lsn;
  /** The server's clock when the part's snapshot was asked for. */
  readonly timeUs: number;
  readonly upTo: readonly string[] | null;
}

/**
 * Where the reader of a slot stands.
 *
 *   begin    nothing is read; the slot is about to be made, under a name that was free
 *   load     `parts` are loaded, and of the one under way the keys up to `upTo`
 *   stream   all that was committed before `done`, and of the transaction that was committed at `within.lsn` the first
 *            `within.index` changes
 *
 * `floorUs` is the change time of the last change: a later one has no earlier time, whatever the server's clock did meanwhile.
 * `parts` are empty in a stream that has come to where the last of them was read.
 */
export type CapturePosition = CaptureIdentity &
  (
    | { readonly phase: 'begin' }
    | { readonly phase: 'load'; readonly parts: readonly LoadedPart[] }
    | {
        readonly phase: 'stream';
        readonly done: Lsn;
        readonly within: { readonly lsn: Lsn; readonly index: number } | undefined;
        readonly floorUs: number;
        readonly parts: readonly LoadedPart[];
      }
  );

export type LoadPosition = Extract<CapturePosition, { readonly phase: 'load' }>;
export type StreamPosition = Extract<CapturePosition, { readonly phase: 'stream' }>;

const FORMAT = 1;

type Stored = CaptureIdentity & {
  readonly format: number;
  readonly phase: CapturePosition['phase'];
  readonly parts?: readonly { readonly lsn: string; readonly timeUs: number; readonly upTo: readonly string[] | null }[];
  readonly done?: string;
  readonly within?: readonly [lsn: string, index: number];
  readonly floorUs?: number;
};

export function encodePosition(position: CapturePosition): JsonValue {
  const { system, table, slot, publication, phase } = position;
  const base = { format: FORMAT, system, table, slot, publication, phase };
  if (position.phase === 'begin') return base;
  const parts = position.parts.map(({ lsn, timeUs, upTo }) => ({ lsn: formatLsn(lsn), timeUs, upTo }));
  if (position.phase === 'load') return { ...base, parts };
  const { done, within, floorUs } = position;
  const inside = within === undefined ? {} : { within: [formatLsn(within.lsn), within.index] };
  return { ...base, parts, done: formatLsn(done), floorUs, ...inside };
}

export function decodePosition(stored: JsonValue): CapturePosition {
  const { format, phase, parts = [], done = '', within, floorUs = 0, ...identity } = stored as unknown as Stored; // of encodePosition
  if (format > FORMAT)
    throw new SourceError(
      'stop',
      'THYME_SOURCE_POSITION_NEWER',
      `the position has format ${format}, and this process knows ${FORMAT}: upgrade it`,
    );
  const loaded = parts.map(({ lsn, timeUs, upTo }) => ({ lsn: parseLsn(lsn), timeUs, upTo }));
  switch (phase) {
    case 'begin':
      return { ...identity, phase };
    case 'load':
      return { ...identity, phase, parts: loaded };
    case 'stream': {
      const inside = within === undefined ? undefined : { lsn: parseLsn(within[0]), index: within[1] };
      return { ...identity, phase, parts: loaded, done: parseLsn(done), within: inside, floorUs };
    }
  }
}

export function describePosition(position: CapturePosition): string {
  switch (position.phase) {
    case 'begin':
      return 'the beginning';
    case 'load':
      return `the first load, at key ${position.parts.at(-1)?.upTo?.join(', ') ?? 'none'}`;
    case 'stream':
      return position.within === undefined
        ? `WAL ${formatLsn(position.done)}`
        : `WAL ${formatLsn(position.done)}, ${position.within.index} changes of the transaction committed at ${formatLsn(position.within.lsn)}`;
  }
}
