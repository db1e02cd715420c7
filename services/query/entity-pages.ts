// The entities of a featureset of which anything is kept, page by page: in the order of partitions, slots and keys, which no
// write changes. Who is there when the first page is read is listed once; who comes later is listed where its place is still ahead.
import { headKey } from '../../libs/change/state-keys.js';
import { decodeKey } from '../../libs/codec/entity-key.js';
import { partitionOf, SLOT_COUNT } from '../../libs/codec/slot.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { EntityPlace } from '../../libs/feature/entity-cursor.js';
import type { EntityTimeline, FeaturePlan } from '../../libs/feature/feature-plan.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { Row } from '../../libs/schema/value-type.js';
import { checkDeadline } from './deadline.js';
import { LISTED_ENTITIES_MAX, LOOKED_AT_ENTITIES_MAX } from './query-limits.js';

export interface EntityPage {
  readonly entities: readonly Row[];
  /** Absent on the last page. */
  readonly next?: EntityPlace;
}

export interface EntityPageOptions {
  readonly plan: FeaturePlan;
  readonly place: EntityPlace;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** One page of one partition: it may hold fewer than asked for, or none, before the last. */
export async function entityPage(views: ReplicaViews, { plan, place, limit, signal }: EntityPageOptions): Promise<EntityPage> {
  checkAsked(views, { plan, place, limit });
  const walk = new EntityWalk(views, plan, place.partition);
  const entities: Row[] = [];
  let lookedAt = 0;
  const { passes } = walk;
  for (let pass = place.pass; pass < passes; pass++) {
    for (let slot = pass === place.pass ? Math.max(place.slot, walk.slots.start) : walk.slots.start; slot < walk.slots.end; slot++) {
      checkDeadline(signal);
      const after = pass === place.pass && slot === place.slot ? place.after : undefined;
      for await (const key of walk.keys(pass, slot, after)) {
        const entity = walk.entityOf(pass, key);
        if (entity !== undefined) entities.push(entity);
        if (entities.length === limit || ++lookedAt === LOOKED_AT_ENTITIES_MAX)
          return { entities, next: { partition: place.partition, pass, slot, after: key } };
      }
    }
  }
  const partition = place.partition + 1;
  return partition < views.partitionCount ? { entities, next: { partition, pass: 0, slot: 0 } } : { entities };
}

function checkAsked({ partitionCount }: ReplicaViews, { plan, place, limit }: Omit<EntityPageOptions, 'signal'>): void {
  if (limit < 1 || limit > LISTED_ENTITIES_MAX) throw invalidArgument('limit', `send a whole number from 1 to ${LISTED_ENTITIES_MAX}`);
  if (place.partition >= partitionCount)
    throw invalidArgument('cursor', `is of partition ${place.partition}, and there are ${partitionCount}: begin without a cursor`);
  if (plan.entityTimelines.length === 0)
    throw invalidArgument('featureset', `${plan.name} refers to no dataset, so nothing says which entities there are: name them`);
}

class EntityWalk {
  readonly slots: { readonly start: number; readonly end: number };
  readonly #views: ReplicaViews;
  readonly #partition: number;
  readonly #plain: readonly EntityTimeline[];
  readonly #turned: readonly EntityTimeline[];
  readonly #all: readonly EntityTimeline[];

  constructor(views: ReplicaViews, { entityTimelines }: FeaturePlan, partition: number) {
    this.#views = views;
    this.#partition = partition;
    this.#plain = entityTimelines.filter(({ groups }) => !groups.isTurned);
    this.#turned = entityTimelines.filter(({ groups }) => groups.isTurned);
    this.#all = [...this.#plain, ...this.#turned];
    const startOf = (of: number): number => Math.ceil((of * SLOT_COUNT) / views.partitionCount);
    this.slots = { start: startOf(partition), end: startOf(partition + 1) };
  }

  get passes(): number {
    return 1 + this.#turned.length;
  }

  /** Each key of the slot once, in their order. */
  async *keys(pass: number, slot: number, after: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
    const view = this.#views.view(this.#partition);
    const timelines = pass === 0 ? this.#plain : this.#turned.slice(pass - 1, pass);
    yield* merged(timelines.map(({ timelineId }) => view.groupKeys({ slot, timelineId, after })[Symbol.asyncIterator]()));
  }

  /** Undefined for a group in another order whose entity is told elsewhere. */
  entityOf(pass: number, key: Uint8Array): Row | undefined {
    const values = decodeKey(key);
    const own = pass === 0 ? undefined : this.#turned[pass - 1];
    if (own === undefined) return values;
    const entity = own.groups.entityOf(values);
    const earlier = this.#all.slice(0, this.#all.indexOf(own));
    return earlier.some((timeline) => this.#has(timeline, entity)) ? undefined : entity.values;
  }

  #has({ timelineId, groups }: EntityTimeline, entity: ReturnType<EntityTimeline['groups']['entityOf']>): boolean {
    const { slot, bytes } = groups.of(entity);
    const tick = this.#views.view(partitionOf(slot, this.#views.partitionCount)).tick();
    try {
      return tick.get(headKey(slot, timelineId, bytes)) !== undefined;
    } finally {
      tick.close();
    }
  }
}

/** Several lists of keys as one, each key once; all in the order of lengths, then bytes. */
async function* merged(lists: readonly AsyncIterator<Uint8Array>[]): AsyncGenerator<Uint8Array> {
  try {
    const heads = await Promise.all(lists.map(async (list) => list.next()));
    for (;;) {
      let least: Uint8Array | undefined;
      for (const head of heads) if (head.done !== true && (least === undefined || compare(head.value, least) < 0)) least = head.value;
      if (least === undefined) return;
      yield least;
      for (const [i, head] of heads.entries())
        if (head.done !== true && compare(head.value, least) === 0) heads[i] = (await lists[i]?.next()) ?? head;
    }
  } finally {
    for (const list of lists) await list.return?.();
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || Buffer.compare(a, b);
}
