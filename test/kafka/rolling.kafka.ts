// A rolling restart on Kafka: each process in turn ends by SIGTERM and starts again on its port, while pushes and reads go on.
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { EXAMPLE_MODULE } from '../support/example-records.js';
import { curl, curlUntil, jsonOf, request } from '../support/http.js';
import { samePort } from '../support/deployment.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { uniqueName, useKafka } from './kafka-fixture.js';

const PARTITIONS = 4;
const USERS = Array.from({ length: 12 }, (_, i) => `roller_${i}`);
const WORK = ['--roles', 'registry,ingest,aggregator', '--partitions', String(PARTITIONS)];
const QUERY = ['--roles', 'query'];
/** Between two requests of a client: the load shall show gaps, not fill the machine. */
const REST_MS = 25;
/** What a client with sequences may take to get its answer, across an ingest's restart. */
const RETRY_MS_MAX = 60_000;

describe('a rolling restart on Kafka', function () {
  this.timeout(400_000);
  const kafka = useKafka();
  const processes = new Processes();
  const deployment = uniqueName();
  const env = () => ({ THYME_DEPLOYMENT: deployment, THYME_KAFKA_BROKERS: kafka().brokers.join(',') });
  const running = new Map<string, { readonly args: readonly string[]; process: ThymeProcess }>();
  let url = '';

  async function serve(name: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<ThymeProcess> {
    const process = await processes.serve(processes.subfolder(name), args, { env: { ...env(), ...more } });
    running.set(name, { args, process });
    return process;
  }

  before(async () => {
    const [first] = [await serve('worker-0', WORK), await serve('worker-1', WORK)];
    const queries = [await serve('query-0', QUERY), await serve('query-1', QUERY)];
    const query = queries.map(({ grpcTarget }) => grpcTarget).join(',');
    url = (
      await processes.serve(processes.subfolder('gateway'), ['--roles', 'gateway', '--owner', first.grpcTarget, '--query', query], {
        env: env(),
      })
    ).restUrl;
    expect((await processes.run(['commit', EXAMPLE_MODULE], { env: { THYME_API_URL: url } })).code).to.equal(0);
    await curlUntil(spentUrl(USERS[0] ?? ''), ({ status }) => status === 200);
  });

  after(() => processes.end());

  it('fails no query, loses no push, and counts none twice (S13, S14)', async () => {
    const load = new Load(url);
    const restarted: string[] = [];
    for (const [name, { args, process }] of [...running]) {
      const served = load.reads;
      expect(await process.stop(), name).to.equal(0);
      await load.readsPast(served + USERS.length); // without it
      await serve(name, args, samePort(process));
      await curlUntil(`${url}/api/v1/status`, ({ status, text }) => status === 200 && tasksOf(text) === PARTITIONS);
      restarted.push(name);
    }
    await load.stop();
    expect(restarted).to.deep.equal(['worker-0', 'worker-1', 'query-0', 'query-1']);
    expect(load.failed.join('\n'), `queries that failed, of ${load.reads}`).to.equal('');
    expect(load.pushed).to.be.greaterThan(USERS.length);
    for (const [user, amount] of load.spent) {
      const answer = jsonOf(await curl(`${spentUrl(user)}&after=${load.token}`)) as { readonly features: Readonly<Record<string, number>> };
      expect(answer.features['total_spend_7d'], user).to.be.closeTo(amount, 1e-6);
    }
  });

  function spentUrl(user: string): string {
    return `${url}/features?entity_type=UserOrderStats&entity_id=${user}`;
  }
});

function tasksOf(status: string): number {
  return (JSON.parse(status) as { readonly tasks: readonly unknown[] }).tasks.length;
}

/** Reads, and pushes that are repeated with their sequence until they are answered, as a client of S13 does. */
class Load {
  reads = 0;
  pushed = 0;
  token = '';
  readonly failed: string[] = [];
  /** What the acknowledged pushes of each user add up to. */
  readonly spent = new Map<string, number>();
  readonly #url: string;
  readonly #running: Promise<unknown>;
  #stopping = false;

  constructor(url: string) {
    this.#url = url;
    this.#running = Promise.all([this.#read(), this.#push()]);
    this.#running.catch(() => undefined); // `stop` tells
  }

  /** Resolves when so many reads have been answered; rejects when the load has ended before. */
  async readsPast(count: number): Promise<void> {
    while (this.reads < count) await Promise.race([pause(REST_MS), this.#running]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #read(): Promise<void> {
    for (let n = 0; !this.#stopping; n++) {
      const user = USERS[n % USERS.length] ?? '';
      const path = n % 3 === 0 ? '/features/batch' : `/features?entity_type=UserOrderStats&entity_id=${user}`;
      const body = n % 3 === 0 ? { body: JSON.stringify({ featureset: 'AirportDelay', entity_ids: USERS }) } : {};
      const answer = await request(this.#url + path, body).catch((error: unknown) => ({ status: 0, text: String(error) }));
      this.reads++;
      if (answer.status !== 200) this.failed.push(`${new Date().toISOString()} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
      await pause(REST_MS);
    }
  }

  async #push(): Promise<void> {
    for (let sequence = 0; !this.#stopping; sequence++) {
      const user = USERS[sequence % USERS.length] ?? '';
      const amount = 1 + (sequence % 7);
      const event = { user_id: user, order_id: `o${sequence}`, amount, ordered_at: new Date().toISOString() };
      const token = await this.#acknowledged(JSON.stringify({ dataset: 'Order', events: [event], producer_id: 'roller', sequence }));
      this.token = token;
      this.pushed++;
      this.spent.set(user, (this.spent.get(user) ?? 0) + amount);
      await pause(REST_MS);
    }
  }

  async #acknowledged(body: string): Promise<string> {
    const deadline = performance.now() + RETRY_MS_MAX;
    for (;;) {
      const answer = await request(`${this.#url}/api/v1/log`, { body }).catch((error: unknown) => ({ status: 0, text: String(error) }));
      if (answer.status === 200) return String((JSON.parse(answer.text) as { readonly token: unknown }).token);
      if (performance.now() > deadline) throw new Error(`a push was not taken: ${answer.status} ${answer.text.slice(0, 300)}`);
      await pause(REST_MS);
    }
  }
}
