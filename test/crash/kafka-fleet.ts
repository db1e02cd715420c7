import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../infra/local/free-ports.js';
import { Child } from './child.js';
import type { Programs } from './program.js';
import { plantFolderKey } from '../support/test-keys.js';

export type WorkerName = 'worker-a' | 'worker-b';
/** `reader` is the query service with its replica, `standby` a store replica. */
export type FleetName = WorkerName | 'reader' | 'standby' | 'gateway';

export const WORKERS: readonly WorkerName[] = ['worker-a', 'worker-b'];
/** In the order of their start: who is followed before who follows. */
export const FLEET: readonly FleetName[] = [...WORKERS, 'reader', 'standby', 'gateway'];

export interface FleetOptions {
  readonly programs: Programs;
  readonly folder: string;
  readonly partitions: number;
  /** A name of its own on a broker that others use too. */
  readonly deployment: string;
  /** `host:port` of brokers. */
  readonly brokers: readonly string[];
}

const STOP_DEADLINE_MS = 30_000;
/** Shorter than a deployment's: most of a kill is waiting for it to pass. */
const SESSION_MS = 3_000;

/**
 * The processes of one deployment on Kafka, on ports that stay the same over their restarts: two workers that share
 * the partitions, a query service and a standby that follow the owners, and a gateway that pushes through worker-a.
 */
export class Fleet {
  readonly folder: string;
  readonly partitions: number;
  readonly deployment: string;
  readonly brokers: readonly string[];
  readonly #programs: Programs;
  readonly #rpcPorts: ReadonlyMap<FleetName, number>;
  readonly #restPort: number;
  readonly #children = new Map<FleetName, Child>();

  private constructor({ programs, folder, partitions, deployment, brokers }: FleetOptions, [restPort = 0, ...ports]: readonly number[]) {
    this.#programs = programs;
    this.folder = folder;
    this.partitions = partitions;
    this.deployment = deployment;
    this.brokers = brokers;
    this.#restPort = restPort;
    this.#rpcPorts = new Map(FLEET.map((name, i) => [name, ports[i] ?? 0]));
  }

  static async create(options: FleetOptions): Promise<Fleet> {
    return new Fleet(options, await freePorts(1 + FLEET.length));
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.#restPort}`;
  }

  /** gRPC of those that may own partitions, `host:port`. */
  get owners(): readonly string[] {
    return WORKERS.map((name) => this.grpc(name));
  }

  grpc(name: FleetName): string {
    return `127.0.0.1:${this.#rpcPorts.get(name) ?? 0}`;
  }

  folderOf(name: FleetName): string {
    return join(this.folder, name);
  }

  child(name: FleetName): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`${name} was never started`);
    return child;
  }

  /** Starts the process, which may be armed with a crash: `THYME_CRASH`. */
  start(name: FleetName, crash = ''): Child {
    plantFolderKey(this.folderOf(name));
    const child = new Child(
      name,
      ['--enable-source-maps', this.#programs.thyme, 'serve', '--data-dir', this.folderOf(name), ...this.#args(name)],
      {
        THYME_CRASH: crash,
        THYME_LOG_LEVEL: 'warn',
        THYME_DEPLOYMENT: this.deployment,
        THYME_LOG: 'kafka',
        THYME_KAFKA_BROKERS: this.brokers.join(','),
        THYME_SESSION_TIMEOUT_MS: String(SESSION_MS),
        THYME_REST_PORT: name === 'gateway' ? String(this.#restPort) : '0',
        THYME_GRPC_PORT: String(this.#rpcPorts.get(name) ?? 0),
      },
    );
    this.#children.set(name, child);
    return child;
  }

  async startAll(): Promise<void> {
    // Topics are the registry's to make; who follows waits for them.
    for (const child of FLEET.map((name) => this.start(name))) {
      if ((await child.ready) === undefined) throw new Error(`${child.name} did not start:\n${child.errors.join('\n')}`);
    }
  }

  /** SIGTERM to all, workers last; what does not end in time is killed, and said to have been. */
  async stopAll(): Promise<readonly string[]> {
    const late: string[] = [];
    for (const name of [...this.#children.keys()].sort((a, b) => FLEET.indexOf(b) - FLEET.indexOf(a))) {
      const child = this.child(name);
      if (!child.isRunning()) continue;
      child.signal('SIGCONT');
      child.signal('SIGTERM');
      const ended = await Promise.race([child.ended, sleep(STOP_DEADLINE_MS, undefined, { ref: false })]);
      if (ended === undefined) {
        late.push(`${name} did not stop within ${STOP_DEADLINE_MS} ms of SIGTERM: ${child.errors.slice(-3).join(' | ')}`);
        await this.kill(name);
      } else if (ended.code !== 0) {
        late.push(`${name} ended with ${String(ended.code ?? ended.signal)} after SIGTERM: ${child.errors.slice(-3).join(' | ')}`);
      }
    }
    return late;
  }

  /** Whatever happened: nothing is left running. */
  async killAll(): Promise<void> {
    for (const name of this.#children.keys()) await this.kill(name);
  }

  async kill(name: FleetName): Promise<void> {
    const child = this.child(name);
    child.signal('SIGKILL');
    await child.ended;
  }

  #args(name: FleetName): readonly string[] {
    switch (name) {
      case 'worker-a':
      case 'worker-b':
        // A worker whose disk is empty takes the standby's snapshot.
        return ['--roles', 'registry,ingest,aggregator', '--partitions', String(this.partitions), '--standby', this.grpc('standby')];
      case 'reader':
        return ['--roles', 'query,store-replica'];
      case 'standby':
        return ['--roles', 'store-replica'];
      case 'gateway':
        return ['--roles', 'gateway', '--owner', this.grpc('worker-a'), '--query', this.grpc('reader')];
    }
  }
}
