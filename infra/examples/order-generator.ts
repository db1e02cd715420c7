import type { RestClient } from '../../libs/client/rest-client.js';
import type { Clock } from '../../libs/time/clock.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';

const USERS = 1_000;
const BATCH_ORDERS = 5;
const PAUSE_MS = 500;

/** What a shop of yesterday would have: so that the first questions, and the training set, are about something. */
const EARLIER_ORDERS = 2_000;
const EARLIER_US = 6 * 3_600e6;
/** With sequences from 0: a start over the same folder pushes them again, and none counts twice (S13). */
const EARLIER_PRODUCER = 'example-orders';

/**
 * Pushes orders of the last hours, once, and then a few of made-up users twice a second, until the signal aborts. A few users order
 * far more than the rest.
 */
export async function generateOrders(client: RestClient, clock: Clock, signal: AbortSignal): Promise<void> {
  await pushEarlier(client, clock);
  const random = lcg(42);
  for (let batch = 0; !signal.aborted; batch++) {
    const events = Array.from({ length: BATCH_ORDERS }, (_, i) => order(`order_${batch}_${i}`, clock.nowUs(), random));
    await client.post('/api/v1/log', { dataset: 'Order', events });
    await clock.sleep(PAUSE_MS, signal);
  }
}

async function pushEarlier(client: RestClient, clock: Clock): Promise<void> {
  const random = lcg(7);
  const startUs = clock.nowUs() - EARLIER_US;
  const events = Array.from({ length: EARLIER_ORDERS }, (_, i) =>
    order(`earlier_${i}`, startUs + (EARLIER_US * i) / EARLIER_ORDERS, random),
  );
  await client.post('/api/v1/log', { dataset: 'Order', events, historical: true, producer_id: EARLIER_PRODUCER, sequence: 0 });
}

function order(order_id: string, atUs: number, random: () => number): object {
  return {
    user_id: `user_${Math.floor(USERS * random() ** 3)}`,
    order_id,
    amount: Math.round(random() ** 4 * 50_000 + 100) / 100,
    ordered_at: formatTimestamp(Math.floor(atUs)),
  };
}

/** The same orders at every start (Lehmer's generator with Park and Miller's constants). */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
