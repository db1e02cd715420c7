import { partitionOf } from '../../libs/codec/slot.js';
import { EntityKeys } from '../../libs/feature/entity-keys.js';
import { RestConnection } from './rest-connection.js';

const KEYS = new EntityKeys([{ name: 'user_id', type: { kind: 'string', optional: false } }], 'FraudSignals');
/** Above a session's end, a rebalance and a replay on a busy machine. */
const FRESH_MS_MAX = 120_000;

/** Orders of users that nobody else has, each asked for until an answer counts it (S21). */
export class FreshProbe {
  readonly #url: string;
  readonly #partitions: number;
  readonly #connections = new Map<number, RestConnection>();
  #number = 0;

  constructor(url: string, partitions: number) {
    this.#url = url;
    this.#partitions = partitions;
  }

  /**
   * Pushes to the partition, and resolves when the push is in an answer; rejects where an answer is wrong. One at a
   * time for each partition.
   */
  async fresh(partition: number): Promise<void> {
    const connection = this.#connections.get(partition) ?? new RestConnection(this.#url);
    this.#connections.set(partition, connection);
    const user = this.#userOf(partition);
    const event = { user_id: user, order_id: 'o', amount: 12.5, ordered_at: new Date().toISOString() };
    const pushed = await connection.post('/api/v1/log', JSON.stringify({ dataset: 'Order', events: [event] }));
    const { token } = JSON.parse(pushed.body) as { readonly token?: string };
    const asked = JSON.stringify({ featureset: 'FraudSignals', entity_id: user, after: token ?? '', inputs: { cart_total: 1.5 } });
    const deadline = performance.now() + FRESH_MS_MAX;
    for (;;) {
      const { status, body } = await connection.post('/features', asked);
      if (status === 200) {
        requireCounted(body);
        return;
      }
      // Its time was up before the partition was worked again: the token is still good.
      if (status !== 504 || performance.now() > deadline) throw new Error(`partition ${partition}: ${status} ${body.slice(0, 300)}`);
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  #userOf(partition: number): string {
    for (;;) {
      const user = `probe_${this.#number++}`;
      if (partitionOf(KEYS.read([user], 'entity').slot, this.#partitions) === partition) return user;
    }
  }
}

function requireCounted(body: string): void {
  const { features } = JSON.parse(body) as { readonly features: Readonly<Record<string, unknown>> };
  if (features['order_count_1h'] !== 1 || features['total_spend_24h'] !== 12.5) throw new Error(`a wrong answer: ${body.slice(0, 300)}`);
}
