import { Latencies, nowUs } from './latencies.js';
import type { LoadResult, PushLoad } from './load-jobs.js';
import { lcg, zipf } from './orders.js';
import { RestConnection } from './rest-connection.js';

/** Bodies made beforehand and sent again and again, with the newest time put in. */
const BODIES = 64;
const TIME_MARK = '"TIME"';
/** Where a push is due earlier than this ago, it is sent without a timer. */
const TIMER_MS_MIN = 1;

export interface Push {
  readonly dataset: 'Order';
  readonly json: string;
}

/** Orders of users that nobody else has, so that what is known of the others stays true. */
export class PushBodies {
  readonly #templates: readonly (readonly string[])[];
  #next = 0;

  constructor({ batchEvents, entities }: PushLoad) {
    const random = lcg(11);
    const draw = zipf(entities, random);
    this.#templates = Array.from({ length: BODIES }, (_, body) => {
      const events = Array.from(
        { length: batchEvents },
        (__, i) =>
          `{"user_id":"live_${draw()}","order_id":"o${body}_${i}","amount":${Math.round(random() * 50_000) / 100 + 1},"ordered_at":${TIME_MARK}}`,
      );
      return `{"dataset":"Order","events":[${events.join(',')}]}`.split(TIME_MARK);
    });
  }

  next(): string {
    const template = this.#templates[this.#next++ % BODIES] ?? [];
    return template.join(`"${new Date().toISOString()}"`);
  }
}

/** Pushes from its making until it is stopped. */
export class Pushing {
  readonly #load: PushLoad;
  readonly #stopping = { asked: false };
  readonly #latencies = new Latencies();
  readonly #faults: string[] = [];
  readonly #running: Promise<unknown>;
  readonly #startUs = nowUs();
  #accepted = 0;

  constructor(url: string, load: PushLoad) {
    this.#load = load;
    const bodies = new PushBodies(load);
    let number = 0;
    this.#running = Promise.all(
      Array.from({ length: load.connections }, async () => {
        const connection = new RestConnection(url);
        while (!this.#stopping.asked) {
          const dueUs = this.#startUs + (number++ * load.batchEvents * 1e6) / load.eventsPerS;
          const restMs = (dueUs - nowUs()) / 1_000;
          if (restMs > TIMER_MS_MIN) await new Promise((resolve) => setTimeout(resolve, restMs));
          await this.#push(connection, bodies.next());
        }
        connection.close();
      }),
    );
  }

  async stop(): Promise<LoadResult> {
    this.#stopping.asked = true;
    await this.#running;
    const tookS = (nowUs() - this.#startUs) / 1e6;
    const perS = this.#accepted / tookS;
    return {
      askedPerS: this.#load.eventsPerS,
      achievedPerS: perS,
      pushedPerS: perS,
      count: this.#accepted,
      served: this.#accepted,
      p50Us: this.#latencies.quantile(0.5),
      p99Us: this.#latencies.quantile(0.99),
      checked: this.#latencies.count,
      faults: this.#faults,
    };
  }

  /** Every answer is looked at: it says how many were accepted. */
  async #push(connection: RestConnection, json: string): Promise<void> {
    const startUs = nowUs();
    const { status, body } = await connection.post('/api/v1/log', json);
    this.#latencies.add(nowUs() - startUs);
    const sent = status === 200 ? (JSON.parse(body) as { readonly events_sent: number }).events_sent : 0;
    this.#accepted += sent;
    if (sent !== this.#load.batchEvents && this.#faults.length < 5) this.#faults.push(`${status}: ${body.slice(0, 300)}`);
  }
}

export async function runPushes(url: string, load: PushLoad, seconds: number): Promise<LoadResult> {
  const pushing = new Pushing(url, load);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return pushing.stop();
}
