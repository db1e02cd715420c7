// Where a record of a dataset version lies, as one number that grows along its partition. A version that was begun with the
// records of the one before has two topics, the history first (S19a): places in it are offsets counted from -2^52, places in
// the topic itself are its offsets. So positions, and the order of equal event times (S7), need to know of one number only. All
// of them are exact in a double.

const HISTORY_FROM = -(2 ** 52);

/** Where reading begins. */
export function firstPlace(hasHistory: boolean): number {
  return hasHistory ? HISTORY_FROM : 0;
}

export function isInHistory(place: number): boolean {
  return place < 0;
}

/** The offset in the topic that the place is in. */
export function offsetAt(place: number): number {
  return place < 0 ? place - HISTORY_FROM : place;
}

/** The place of an offset of the same topic as `beside`. */
export function placeOf(offset: number, beside: number): number {
  return beside < 0 ? HISTORY_FROM + offset : offset;
}
