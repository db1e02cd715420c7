import { compareText } from '../../schema/compare-text.js';
import type { JsonValue } from '../connector.js';
import { wouldRepeat } from '../seek-error.js';
import { ObjectPosition } from './object-position.js';
import type { ObjectStore, StoredObject } from './object-store.js';

/** Where objects are gone on with: behind the name `to`, which need not be there, or behind all names that are. */
export interface ObjectSeek {
  readonly store: ObjectStore;
  readonly lookBack: number;
  readonly to: string | undefined;
  /** Nothing that was read up to here is read again. */
  readonly from: JsonValue | undefined;
}

/** The last names are remembered one by one, as after reading them, so that what comes late among them is found. */
export async function seekObjects({ store, lookBack, to, from }: ObjectSeek, signal: AbortSignal): Promise<JsonValue> {
  if (to !== undefined && from !== undefined) refuseRepeat(to, new ObjectPosition(lookBack, from));
  const last: StoredObject[] = [];
  for await (const object of store.list(undefined, signal)) {
    if (to !== undefined && compareText(object.key, to) > 0) break;
    last.push(object);
    if (last.length > 2 * lookBack + 1) last.splice(0, last.length - lookBack - 1);
  }
  signal.throwIfAborted();
  const at = new ObjectPosition(lookBack, undefined);
  for (const object of last) at.finish(object);
  // A name that nothing has bears no mark: what is put there later came at or before the place, and is passed over.
  if (to !== undefined && last.at(-1)?.key !== to) at.finish({ key: to, version: '' });
  return at.encode();
}

function refuseRepeat(to: string, from: ObjectPosition): void {
  const reached = from.current?.key ?? from.last;
  if (reached !== undefined && compareText(to, reached) < 0) throw wouldRepeat(to, reached);
}
