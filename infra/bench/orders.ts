// The orders that the benches feed: made from a seed, so that the load generator, which is a process of its
// own, knows them too and can say what each answer must be.

/** Lehmer's generator with Park and Miller's constants: the same numbers on every machine. */
export function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Draws 0 ... n-1, the i-th with a probability like 1 / (i + 1). */
export function zipf(n: number, random: () => number): () => number {
  const upTo = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++) upTo[i] = sum += 1 / (i + 1);
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((upTo[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

export interface OrdersOptions {
  readonly events: number;
  readonly entities: number;
  /** The newest order's time. */
  readonly endUs: number;
  readonly spanUs: number;
  /** `all` gives every order to one entity. */
  readonly skew: 'zipf' | 'uniform' | 'all';
  /** The share that comes up to half an hour after newer ones. */
  readonly lateShare: number;
}

export interface BenchOrder {
  readonly entity: number;
  readonly amount: number;
  readonly eventTimeUs: number;
}

const LATE_US_MAX = 1_800e6;

/** The same orders for the same options, in the order in which they arrive. */
export function* orders({ events, entities, endUs, spanUs, skew, lateShare }: OrdersOptions): Generator<BenchOrder> {
  const random = lcg(7);
  const draw = skew === 'zipf' ? zipf(entities, random) : skew === 'uniform' ? () => Math.floor(random() * entities) : () => 0;
  const startUs = endUs - spanUs;
  for (let i = 0; i < events; i++) {
    const dueUs = startUs + Math.floor((spanUs * (i + 1)) / events);
    const lateUs = random() < lateShare ? Math.floor(random() * LATE_US_MAX) : 0;
    yield { entity: draw(), amount: Math.round(random() ** 4 * 5_000_000 + 100) / 100, eventTimeUs: dueUs - lateUs };
  }
}

export function userId(entity: number): string {
  return `user_${entity}`;
}

/** As a client sends it. */
export function eventOf({ entity, amount, eventTimeUs }: BenchOrder, number: number): Readonly<Record<string, unknown>> {
  return { user_id: userId(entity), order_id: `order_${number}`, amount, ordered_at: new Date(eventTimeUs / 1_000).toISOString() };
}
