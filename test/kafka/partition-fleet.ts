// A fleet on Kafka with the embedded platform beside it, and replicas that write down at which seq they switch.
import { setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { decodeBatch } from '../../libs/change/batch-codec.js';
import { readBatches } from '../../libs/change/changelog.js';
import { openKafkaOwners } from '../../libs/log/kafka/owners.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log } from '../../libs/log/log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import { fleetSource, OwnerDirectory } from '../../libs/replica/owner-directory.js';
import { remoteSource } from '../../libs/replica/remote-source.js';
import { Replica } from '../../libs/replica/replica.js';
import { MemoryReplicaStores } from '../../libs/replica/replica-stores.js';
import { createClient, openChannel, type RpcChannel } from '../../libs/rpc/client.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { systemClock } from '../../libs/time/clock.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { eventually } from './kafka-fixture.js';
import { TEST_INTERNAL_KEY } from '../support/test-keys.js';

/** The embedded platform over a folder that outlives it, so that its log can be opened between two runs. */
export class EmbeddedRuns {
  readonly #folder = mkdtempSync(join(tmpdir(), 'thyme-partitions-'));
  readonly #partitions: number;
  #running: EmbeddedPlatform | undefined;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  async start(): Promise<EmbeddedPlatform> {
    return (this.#running = await startEmbeddedPlatform({ partitions: this.#partitions, dataDir: this.#folder }));
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** While it is stopped. */
  async withLog<T>(act: (log: Log) => Promise<T>): Promise<T> {
    const store = await openLevelStore(join(this.#folder, 'log'));
    const log = await openLevelLog(store);
    try {
      return await act(log);
    } finally {
      await log.close();
      await store.close();
    }
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** By partition: at which seq each revision came into force. */
export type Switches = readonly ReadonlyMap<number, number>[];

/** A replica of each partition, which follows the owners across takeovers as a query service does. */
export class WatchedReplicas {
  readonly replicas: readonly Replica[];
  readonly #switches: readonly Map<number, number>[];
  readonly #stopping = new AbortController();
  readonly #channels = new Map<string, RpcChannel>();
  readonly #directory: OwnerDirectory;
  readonly #running: Promise<unknown>;

  constructor({
    brokers,
    deployment,
    partitions,
  }: {
    readonly brokers: readonly string[];
    readonly deployment: string;
    readonly partitions: number;
  }) {
    setMaxListeners(0, this.#stopping.signal); // each partition listens
    this.#directory = new OwnerDirectory(
      openKafkaOwners({ connect: { brokers, clientId: 'thyme-test' }, group: `${deployment}.agg`, clock: systemClock }),
    );
    const source = fleetSource(this.#directory, (address) => remoteSource(createClient(ReplicationService, this.#channel(address))));
    this.#switches = Array.from({ length: partitions }, () => new Map<number, number>());
    this.replicas = this.#switches.map(
      (_, partition) =>
        new Replica({ partition, source, stores: new MemoryReplicaStores(), clock: systemClock, onFailure: () => undefined }),
    );
    this.#running = Promise.all(this.replicas.map((replica) => this.#follow(replica)));
    this.#running.catch(() => undefined); // `end` rejects with it
  }

  get switches(): Switches {
    return this.#switches;
  }

  /** Resolves when each partition is as far as another's. */
  async reach(others: WatchedReplicas): Promise<void> {
    await Promise.all(
      this.replicas.map(({ view }, partition) =>
        eventually(() => seqOf(view) >= seqOf(others.replicas[partition]?.view), `partition ${partition} has caught up`),
      ),
    );
  }

  async end(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#directory.close();
    for (const channel of this.#channels.values()) channel.close();
  }

  /** `reached` is asked after each commit, which is what is wanted of it here. */
  async #follow(replica: Replica): Promise<void> {
    const { view } = replica;
    const watching = view
      .waitFor(({ seq }) => {
        const number = view.revisions()[0]?.number;
        const switches = this.#switches[view.partition];
        if (number !== undefined && switches?.has(number) === false) switches.set(number, seq);
        return false;
      }, this.#stopping.signal)
      .catch(() => undefined);
    await Promise.all([replica.run(this.#stopping.signal), watching]);
  }

  #channel(address: string): RpcChannel {
    const channel = this.#channels.get(address) ?? openChannel({ target: address, apiKey: TEST_INTERNAL_KEY });
    this.#channels.set(address, channel);
    return channel;
  }
}

function seqOf(view: Replica['view'] | undefined): number {
  return view?.applied()?.seq ?? 0;
}

/** Where the changelog says that each revision was adopted, by its change, which the commit record must agree with. */
export async function adoptedIn(log: Log, deployment: string, partitions: number): Promise<Switches> {
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const adopted = new Map<number, number>();
      let inForce = 0;
      for await (const batch of readBatches(log, { topic: changesTopic(deployment), partition }, 1)) {
        const { changes, commit } = decodeBatch(batch.bytes);
        for (const change of changes) {
          if (change.kind !== 'revision') continue;
          adopted.set(change.revision.number, commit.seq);
          inForce = change.revision.number;
        }
        if (commit.revision !== inForce)
          throw new Error(`partition ${partition}, seq ${commit.seq}: revision ${commit.revision} is in force, and ${inForce} was adopted`);
      }
      return adopted;
    }),
  );
}
