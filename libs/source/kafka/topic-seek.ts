import { cannotReset, wouldRepeat } from '../seek-error.js';
import type { PartitionPlace, TopicPosition } from './topic-position.js';

interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** Behind all that the topic holds now. */
export function endsOf(bounds: readonly Bounds[]): ReadonlyMap<number, PartitionPlace> {
  return new Map(bounds.map(({ end }, partition) => [partition, { next: end }]));
}

export interface PlacesOptions {
  readonly topic: string;
  readonly bounds: readonly Bounds[];
  /** Nothing before it is read again. */
  readonly from: TopicPosition | undefined;
}

/** The next offsets by partition, as `0: 120, 1: 7`; a partition that is not named goes on where it is, or at its beginning. */
export function placesOf(to: string, { topic, bounds, from }: PlacesOptions): ReadonlyMap<number, PartitionPlace> {
  const places = new Map<number, PartitionPlace>(
    bounds.map(({ start, end }, partition) => [partition, from?.partitions.get(partition) ?? { next: start, end }]),
  );
  for (const part of to.split(',')) {
    const [, partitionText, offsetText] = /^\s*(\d+)\s*:\s*(\d+)\s*$/.exec(part) ?? [];
    if (partitionText === undefined || offsetText === undefined)
      throw cannotReset(`'${to}' names no offsets: write the next one of each partition, such as '0: 120, 1: 7'`);
    const [partition, next] = [Number(partitionText), Number(offsetText)];
    const bound = bounds[partition];
    if (bound === undefined) throw cannotReset(`topic '${topic}' has partitions 0 to ${bounds.length - 1}, and no ${partition}`);
    if (next < bound.start || next > bound.end)
      throw cannotReset(`partition ${partition} of '${topic}' holds offsets from ${bound.start} on, and ends at ${bound.end}; not ${next}`);
    const place = from?.partitions.get(partition);
    if (place !== undefined && next < place.next) throw wouldRepeat(`offset ${next} of partition ${partition}`, `offset ${place.next}`);
    places.set(partition, { next, end: place?.end ?? bound.end });
  }
  return places;
}
