import type { BenchOrder } from './orders.js';
import { userId } from './orders.js';

const HOUR_US = 3_600e6;
const DAY_US = 24 * HOUR_US;
/** S9: the greatest rank error of a percentile beyond the raw limit, at p95, with room for the ranks' rounding. */
const RANK_SHARE_MAX = 0.005;
const RAW_VALUES_MAX = 2_000;
const SUM_SHARE_MAX = 1e-12;

interface History {
  readonly timesUs: number[];
  readonly amounts: number[];
}

/** What FraudSignals must answer, by the simplest loop there is over all orders. */
export class OrderOracle {
  readonly #histories = new Map<string, History>();

  constructor(orders: Iterable<BenchOrder>) {
    for (const { entity, amount, eventTimeUs } of orders) {
      const id = userId(entity);
      let history = this.#histories.get(id);
      if (history === undefined) this.#histories.set(id, (history = { timesUs: [], amounts: [] }));
      history.timesUs.push(eventTimeUs);
      history.amounts.push(amount);
    }
  }

  /** Undefined where the answer is right, else what is wrong with it. */
  fault(id: string, asOfUs: number, features: Readonly<Record<string, unknown>>): string | undefined {
    const { timesUs, amounts } = this.#histories.get(id) ?? { timesUs: [], amounts: [] };
    const within = (windowUs: number): number[] => amounts.filter((_, i) => timesUs[i]! >= asOfUs - windowUs && timesUs[i]! <= asOfUs);
    const count = within(HOUR_US).length;
    if (features['order_count_1h'] !== count) return `${id}: order_count_1h is ${String(features['order_count_1h'])}, not ${count}`;
    const spend = within(DAY_US).reduce((sum, amount) => sum + amount, 0);
    if (!(Math.abs(Number(features['total_spend_24h']) - spend) <= Math.max(1, spend) * SUM_SHARE_MAX * 100))
      return `${id}: total_spend_24h is ${String(features['total_spend_24h'])}, not ${spend}`;
    const max = within(7 * DAY_US).reduce<number | null>((most, amount) => Math.max(most ?? 0, amount), null);
    if (features['max_order_amount_7d'] !== max)
      return `${id}: max_order_amount_7d is ${String(features['max_order_amount_7d'])}, not ${String(max)}`;
    if (!Object.hasOwn(features, 'p95_amount_30d')) return undefined;
    return percentileFault(id, within(30 * DAY_US), features['p95_amount_30d']);
  }
}

/** Exact while the raw values are kept, else a value whose rank is near enough (S9). */
function percentileFault(id: string, amounts: number[], answered: unknown): string | undefined {
  amounts.sort((a, b) => a - b);
  const rank = Math.ceil(0.95 * amounts.length);
  const expected = amounts[rank - 1] ?? null;
  if (answered === expected) return undefined;
  const slack = amounts.length <= RAW_VALUES_MAX ? 0 : RANK_SHARE_MAX * amounts.length;
  const [low, high] = [
    amounts[Math.max(0, Math.floor(rank - 1 - slack))],
    amounts[Math.min(amounts.length - 1, Math.ceil(rank - 1 + slack))],
  ];
  if (typeof answered === 'number' && slack > 0 && low !== undefined && high !== undefined && answered >= low && answered <= high)
    return undefined;
  return `${id}: p95_amount_30d of ${amounts.length} is ${String(answered)}, not ${String(expected)}`;
}
