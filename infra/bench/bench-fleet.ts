// Several processes on one Kafka: two aggregators that share the partitions, and one process with everything else.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFolderKey } from '../../libs/cli/folder-key.js';
import { KafkaCluster } from '../../libs/log/kafka/cluster.js';
import { KafkaGroup } from '../../libs/log/kafka/group.js';
import { systemClock } from '../../libs/time/clock.js';
import { forkBench } from './bench-child.js';
import type { BenchKafka } from './bench-kafka.js';
import { commitFraud } from './fraud-platform.js';
import { nowUs } from './latencies.js';

export interface FleetOptions {
  readonly kafka: BenchKafka;
  readonly folder: string;
  readonly partitions: number;
  /** Undefined for the platform's own default. */
  readonly sessionMs: number | undefined;
}

interface FleetProcess {
  readonly child: ChildProcess;
  readonly grpcTarget: string;
  readonly restUrl: string;
}

/** What an aggregator owned when it was killed. */
export interface Killed {
  readonly address: string;
  readonly owned: readonly number[];
  readonly atUs: number;
}

/** When the group noticed that a member is gone, and when each of its partitions was given to another. */
export interface GroupTimes {
  readonly noticedUs: number;
  readonly assignedUs: ReadonlyMap<number, number>;
}

const AGGREGATORS = 2;
const POLL_MS = 10;
const SETTLE_MS_MAX = 120_000;

export class BenchFleet {
  readonly #options: FleetOptions;
  readonly #aggregators: FleetProcess[] = [];
  readonly #cluster: KafkaCluster;
  readonly #group: KafkaGroup;
  #front: FleetProcess | undefined;

  private constructor(options: FleetOptions) {
    this.#options = options;
    this.#cluster = new KafkaCluster({ brokers: options.kafka.brokers, clientId: 'thyme-bench' }, systemClock);
    this.#group = new KafkaGroup(this.#cluster, `${options.kafka.deployment}.agg`);
  }

  static async start(options: FleetOptions): Promise<BenchFleet> {
    const fleet = new BenchFleet(options);
    // Together: replicas are ready when they have heard of an owner.
    const front = fleet.#serve('front', 'registry,ingest,query,gateway');
    fleet.#aggregators.push(
      ...(await Promise.all(Array.from({ length: AGGREGATORS }, (_, n) => fleet.#serve(`aggregator-${n}`, 'aggregator')))),
    );
    fleet.#front = await front;
    await fleet.settled();
    await commitFraud(fleet.restUrl, readFolderKey(join(options.folder, 'front')));
    return fleet;
  }

  get restUrl(): string {
    return this.#front?.restUrl ?? '';
  }

  /** Resolves when every partition has one of the living as its owner, and each of these has its share. */
  async settled(): Promise<void> {
    const share = this.#options.partitions / AGGREGATORS;
    await until(SETTLE_MS_MAX, 'an even share for each aggregator', async () => {
      const owners = (await this.#group.owners()) ?? [];
      return this.#aggregators.every(({ grpcTarget }) => owners.filter(({ address }) => address === grpcTarget).length === share);
    });
  }

  /** SIGKILL to one of the aggregators. */
  async kill(index: number): Promise<Killed> {
    const killed = this.#aggregators[index];
    if (killed === undefined) throw new RangeError(`there is no aggregator ${index}`);
    const { child, grpcTarget: address } = killed;
    const owners = (await this.#group.owners()) ?? [];
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
    return { address, owned: owners.filter((owner) => owner.address === address).map(({ partition }) => partition), atUs: nowUs() };
  }

  /** Asks the group all the time until others have the partitions: a state that lasts for less than a question is not seen. */
  async handedOver({ address, owned }: Killed): Promise<GroupTimes> {
    let noticedUs: number | undefined;
    const assignedUs = new Map<number, number>();
    await until(SETTLE_MS_MAX, 'other owners', async () => {
      const owners = await this.#group.owners();
      if (owners?.some((owner) => owner.address === address) !== true) noticedUs ??= nowUs();
      for (const owner of owners ?? []) {
        if (owned.includes(owner.partition) && owner.address !== address && !assignedUs.has(owner.partition))
          assignedUs.set(owner.partition, nowUs());
      }
      return assignedUs.size === owned.length;
    });
    return { noticedUs: noticedUs ?? Number.NaN, assignedUs };
  }

  /** Over the folder of the one that was killed, as its supervisor would. */
  async restart(index: number): Promise<void> {
    this.#aggregators[index] = await this.#serve(`aggregator-${index}`, 'aggregator');
    await this.settled();
  }

  async stop(): Promise<void> {
    await this.#cluster.close();
    for (const { child } of [...this.#aggregators, this.#front].filter((started) => started !== undefined)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL'); // nothing of it is looked at any more
      await once(child, 'exit');
    }
  }

  #serve(name: string, roles: string): Promise<FleetProcess> {
    const { kafka, folder, partitions, sessionMs } = this.#options;
    const env = {
      ...process.env,
      THYME_LOG_LEVEL: 'error',
      THYME_REST_PORT: '0',
      THYME_GRPC_PORT: '0',
      THYME_DEPLOYMENT: kafka.deployment,
      THYME_KAFKA_BROKERS: kafka.brokers.join(','),
      THYME_PARTITIONS: String(partitions),
      ...(sessionMs === undefined ? {} : { THYME_SESSION_TIMEOUT_MS: String(sessionMs) }),
    };
    const child = forkBench('serve-process', [roles, join(folder, name)], { env });
    return new Promise((resolve, reject) => {
      child.once('message', (message) => resolve({ child, ...(message as Omit<FleetProcess, 'child'>) })); // what serve-process.ts sends
      child.once('exit', (code) => reject(new Error(`${name} ended with ${String(code)}`)));
    });
  }
}

/** Polls; rejects with what was waited for. */
export async function until(msMax: number, what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`this did not come true in ${msMax} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
