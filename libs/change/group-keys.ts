import type { Store } from '../store/store.js';
import { groupOfHeadKey, headKey, headKeyLength, slotRange } from './state-keys.js';

/** Pages that are stepped over one by one; of a group that has more, the next group is sought. */
const PAGES_STEPPED_MAX = 8;
/** Above the first byte that any key of a group's pages has behind the head's. */
const BEHIND_PAGES = 0xff;

/**
 * The keys of a timeline's groups in one slot, shorter ones first and then in the order of their bytes: those behind `after`.
 * Each is the caller's own.
 */
export async function* groupKeysOf(
  store: Store,
  { slot, timelineId, after }: { readonly slot: number; readonly timelineId: number; readonly after?: Uint8Array | undefined },
): AsyncGenerator<Uint8Array> {
  const { from, to } = slotRange('timeline', slot, timelineId);
  let next: Uint8Array | undefined = after === undefined ? from : behindPages(headKey(slot, timelineId, after));
  while (next !== undefined) {
    const begin: Uint8Array = next;
    next = undefined;
    let stepped = 0;
    for await (const [key] of store.entries({ from: begin, to })) {
      const length = headKeyLength(key);
      if (key.length === length) {
        stepped = 0;
        yield Uint8Array.from(groupOfHeadKey(key));
      } else if (++stepped > PAGES_STEPPED_MAX) {
        next = behindPages(key.subarray(0, length));
        break;
      }
    }
  }
}

function behindPages(head: Uint8Array): Uint8Array {
  return Buffer.concat([head, Buffer.of(BEHIND_PAGES)]);
}
