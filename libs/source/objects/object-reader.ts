import type { Field } from '../../schema/value-type.js';
import type { Clock } from '../../time/clock.js';
import type { BatchLimits, JsonValue, SourceBatch, SourceLag, SourceReader, SourceRow } from '../connector.js';
import { LANE_BYTES_MAX } from '../../codec/dataset-record.js';
import { LateKeys } from './late-keys.js';
import { objectChanged } from './object-errors.js';
import { ObjectPosition } from './object-position.js';
import { seekObjects } from './object-seek.js';
import { openObjectRows, type ObjectRow } from './object-rows.js';
import type { ObjectStore, StoredObject } from './object-store.js';

export interface ObjectReaderOptions {
  readonly store: ObjectStore;
  readonly fields: readonly Field[];
  /** How many finished objects a position remembers one by one (object-position.ts). */
  readonly lookBack: number;
  readonly clock: Pick<Clock, 'nowUs'>;
}

/** What waits to be a batch, and about how many bytes its rows are. */
interface Gathered {
  rows: SourceRow[];
  bytes: number;
  notices: string[];
}

/** Reads objects in the order of their names, each row of each once. */
export class ObjectReader implements SourceReader {
  readonly #options: ObjectReaderOptions;
  readonly #late: LateKeys;
  #behind: SourceLag = {};

  constructor(options: ObjectReaderOptions) {
    this.#options = options;
    this.#late = new LateKeys(options.clock);
  }

  async *read(position: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const { store, lookBack } = this.#options;
    const at = new ObjectPosition(lookBack, position);
    const gathered: Gathered = { rows: [], bytes: 0, notices: [] };
    if (position === undefined) at.initialEnd = await this.#lastKey(signal);
    const before = JSON.stringify(at.encode());
    if (at.current !== undefined)
      yield* this.#readObject(await this.#findCurrent(at, signal), at.current.rows, at, gathered, limits, signal);
    for await (const object of store.list(at.floor, signal)) {
      if (signal.aborted) return;
      if (at.state(object) === 'new') yield* this.#readObject(object, 0, at, gathered, limits, signal);
      else if (at.state(object) === 'changed') noteRewritten(object, at, gathered);
    }
    if (at.floor !== undefined && this.#late.isDue) gathered.notices.push(...(await this.#late.look(store, at.floor, signal)));
    // What is left, or objects without rows: the position alone says that they were looked at.
    if (gathered.rows.length > 0 || gathered.notices.length > 0 || JSON.stringify(at.encode()) !== before) yield take(gathered, at);
    this.#behind = { bytes: 0 };
  }

  seek(to: string | undefined, from: JsonValue | undefined, signal: AbortSignal): Promise<JsonValue> {
    const { store, lookBack } = this.#options;
    return seekObjects({ store, lookBack, to, from }, signal);
  }

  describe(position: JsonValue): string {
    return new ObjectPosition(this.#options.lookBack, position).describe();
  }

  lag(): SourceLag {
    return this.#behind;
  }

  close(): Promise<void> {
    return this.#options.store.close();
  }

  async *#readObject(
    object: StoredObject,
    skipped: number,
    at: ObjectPosition,
    into: Gathered,
    limits: BatchLimits,
    signal: AbortSignal,
  ): AsyncGenerator<SourceBatch> {
    const { store, fields } = this.#options;
    const lane = laneOf(object.key);
    const historical = at.isInitial(object.key);
    this.#behind = { bytes: object.sizeBytes };
    let count = 0;
    for await (const row of openObjectRows(store, object, fields, signal)) {
      if (count++ < skipped) continue;
      const bytes = bytesOf(row);
      if (into.rows.length > 0 && into.bytes + bytes > limits.bytesMax) yield take(into, at);
      into.rows.push({ input: row.input, lane, historical, place: `${object.key} ${row.place}` });
      into.bytes += bytes;
      at.readTo(object, count);
      if (into.rows.length >= limits.rowsMax) yield take(into, at);
      if (signal.aborted) return;
    }
    at.finish(object);
    this.#late.noteRead(object.key);
  }

  async #findCurrent(at: ObjectPosition, signal: AbortSignal): Promise<StoredObject> {
    const { key = '', version, rows = 0 } = at.current ?? {};
    const object = await this.#options.store.find(key, signal);
    if (object === undefined || object.version !== version) throw objectChanged({ key }, rows);
    return object;
  }

  /** The end that the initial load has (S10): a name that sorts behind it came later. */
  async #lastKey(signal: AbortSignal): Promise<string | undefined> {
    let last: string | undefined;
    let bytes = 0;
    for await (const { key, sizeBytes } of this.#options.store.list(undefined, signal)) {
      last = key;
      bytes += sizeBytes;
    }
    this.#behind = { bytes };
    return last;
  }
}

function take(gathered: Gathered, at: ObjectPosition): SourceBatch {
  const { rows, notices } = gathered;
  gathered.rows = [];
  gathered.bytes = 0;
  gathered.notices = [];
  return { rows, position: at.encode(), ...(notices.length === 0 ? {} : { notices }) };
}

/** Takes the end of a name that is too long for a lane: that is where names differ. */
function laneOf(key: string): string {
  const bytes = Buffer.from(`file:${key}`);
  return bytes.length <= LANE_BYTES_MAX
    ? bytes.toString()
    : `file:…${bytes
        .subarray(bytes.length - LANE_BYTES_MAX + 16)
        .toString('latin1')
        .replace(/[^\x20-\x7e]/g, '_')}`;
}

/** About what the row takes in memory and in the log: enough to bound a batch. */
function bytesOf({ input }: ObjectRow): number {
  if (typeof input !== 'object' || input === null) return 0;
  let bytes = 0;
  for (const [name, value] of Object.entries(input)) {
    bytes += name.length;
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
    else
      bytes +=
        typeof value === 'object' && value !== null
          ? JSON.stringify(value, (_name, one: unknown) => (typeof one === 'bigint' ? String(one) : one)).length
          : 8;
  }
  return bytes;
}

/** Its old rows are in the dataset, and nothing says which of the new ones they are: it is said once, and not read again. */
function noteRewritten(object: StoredObject, at: ObjectPosition, into: Gathered): void {
  at.finish(object);
  into.notices.push(`${object.key} was overwritten after it had been read: what is new in it is not read; put it under another name`);
}
