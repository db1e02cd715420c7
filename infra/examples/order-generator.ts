import type { RestClient } from '../../libs/client/rest-client.js';
import type { Clock } from '../../libs/time/clock.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';

const USERS = 1_000;
const BATCH_ORDERS = 5;
const PAUSE_MS = 500;

/** Pushes a few orders of made-up users twice a second, until the signal aborts. A few users order far more than the rest. */
export async function generateOrders(client: RestClient, clock: Clock, signal: AbortSignal): Promise<void> {
  const random = lcg(42);
  for (let batch = 0; !signal.aborted; batch++) {
    const events = Array.from({ length: BATCH_ORDERS }, (_, i) => ({
      user_id: `user_${Math.floor(USERS * random() ** 3)}`,
      order_id: `order_${batch}_${i}`,
      amount: Math.round(random() ** 4 * 50_000 + 100) / 100,
      ordered_at: formatTimestamp(Math.floor(clock.nowUs())),
    }));
    await client.post('/api/v1/log', { dataset: 'Order', events });
    await clock.sleep(PAUSE_MS, signal);
  }
}

/** The same orders at every start (Lehmer's generator with Park and Miller's constants). */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
