import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../infra/local/free-ports.js';
import { Child } from './child.js';
import type { Programs } from './program.js';
import { plantFolderKey } from '../support/test-keys.js';

/** Everything in one process; or the log's owner, a query service with a gateway, and a standby, each alone. */
export type Topology = 'one' | 'apart';
export type ProcessName = 'all' | 'owner' | 'reader' | 'standby' | 'second';

export const PROCESSES: Readonly<Record<Topology, readonly ProcessName[]>> = { one: ['all'], apart: ['owner', 'reader', 'standby'] };

interface Ports {
  readonly rest: number;
  readonly owner: number;
  readonly reader: number;
  readonly standby: number;
  /** Another query service, which only some tests have. */
  readonly second: number;
  readonly secondRest: number;
}

export interface ClusterOptions {
  readonly programs: Programs;
  readonly topology: Topology;
  readonly folder: string;
  readonly partitions: number;
}

const STOP_DEADLINE_MS = 20_000;
/** So short that the log, the changelog and the stores are rewritten while processes are being killed (S26). */
const ERASE_WITHIN = '6s';

/** The processes of one deployment, on ports that stay the same over their restarts. */
export class Cluster {
  readonly topology: Topology;
  readonly folder: string;
  readonly partitions: number;
  readonly #programs: Programs;
  readonly #ports: Ports;
  readonly #children = new Map<ProcessName, Child>();
  /** Where a process finds the owner, if not at its own address. */
  readonly #owners = new Map<ProcessName, string>();

  private constructor({ programs, topology, folder, partitions }: ClusterOptions, ports: Ports) {
    this.#programs = programs;
    this.topology = topology;
    this.folder = folder;
    this.partitions = partitions;
    this.#ports = ports;
  }

  static async create(options: ClusterOptions): Promise<Cluster> {
    const [rest = 0, owner = 0, reader = 0, standby = 0, second = 0, secondRest = 0] = await freePorts(6);
    return new Cluster(options, { rest, owner, reader, standby, second, secondRest });
  }

  get processes(): readonly ProcessName[] {
    return PROCESSES[this.topology];
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.#ports.rest}`;
  }

  get secondRestUrl(): string {
    return `http://127.0.0.1:${this.#ports.secondRest}`;
  }

  /** From its next start on; undefined for the owner itself. */
  useOwner(name: ProcessName, target: string | undefined): void {
    if (target === undefined) this.#owners.delete(name);
    else this.#owners.set(name, target);
  }

  /** gRPC of the process with this role, `host:port`. */
  grpc(role: 'owner' | 'reader' | 'standby'): string {
    return `127.0.0.1:${this.topology === 'one' ? this.#ports.owner : this.#ports[role]}`;
  }

  /** gRPC of those that own partitions: one process. */
  get owners(): readonly string[] {
    return [this.grpc('owner')];
  }

  /** Where the log and the owner's stores lie. */
  get ownerFolder(): string {
    return join(this.folder, this.topology === 'one' ? 'all' : 'owner');
  }

  /** Folders with replicas' stores in them. */
  get replicaFolders(): readonly string[] {
    const names: readonly ProcessName[] = this.topology === 'one' ? ['all'] : ['reader', 'standby', 'second'];
    return names.filter((name) => this.#children.has(name)).map((name) => join(this.folder, name));
  }

  child(name: ProcessName): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`${name} was never started`);
    return child;
  }

  /** Starts the process, which may be armed with a crash: `THYME_CRASH`. */
  start(name: ProcessName, crash = ''): Child {
    plantFolderKey(join(this.folder, name));
    const child = new Child(name, ['--enable-source-maps', this.#programs.thyme, ...this.#args(name)], {
      THYME_CRASH: crash,
      THYME_LOG_LEVEL: 'warn',
      THYME_ERASE_WITHIN: ERASE_WITHIN,
      THYME_REST_PORT: String(name === 'second' ? this.#ports.secondRest : this.#ports.rest),
      THYME_GRPC_PORT: String(this.#grpcPort(name)),
    });
    this.#children.set(name, child);
    return child;
  }

  /** Another owner of the same folder, at a port of its own: it is not to become one. */
  startRival(): Child {
    return new Child('rival', ['--enable-source-maps', this.#programs.thyme, ...this.#args('owner')], {
      THYME_LOG_LEVEL: 'warn',
      THYME_REST_PORT: '0',
      THYME_GRPC_PORT: '0',
    });
  }

  async startAll(): Promise<void> {
    const children = this.processes.map((name) => this.start(name));
    for (const child of children) {
      if ((await child.ready) === undefined) throw new Error(`${child.name} did not start:\n${child.errors.join('\n')}`);
    }
  }

  /** SIGTERM to all, owner last; what does not end in time is killed, and said to have been. */
  async stopAll(): Promise<readonly string[]> {
    const late: string[] = [];
    for (const name of [...this.#children.keys()].reverse()) {
      const child = this.child(name);
      if (!child.isRunning()) continue;
      child.signal('SIGCONT');
      child.signal('SIGTERM');
      const ended = await Promise.race([child.ended, sleep(STOP_DEADLINE_MS, undefined, { ref: false })]);
      if (ended === undefined) {
        late.push(`${name} did not stop within ${STOP_DEADLINE_MS} ms of SIGTERM`);
        await this.kill(name);
      } else if (ended.code !== 0) {
        late.push(`${name} ended with ${String(ended.code ?? ended.signal)} after SIGTERM: ${child.errors.slice(-3).join(' | ')}`);
      }
    }
    return late;
  }

  async kill(name: ProcessName): Promise<void> {
    const child = this.child(name);
    child.signal('SIGKILL');
    await child.ended;
  }

  #grpcPort(name: ProcessName): number {
    return name === 'all' ? this.#ports.owner : this.#ports[name];
  }

  #args(name: ProcessName): readonly string[] {
    const common = ['serve', '--data-dir', join(this.folder, name), '--partitions', String(this.partitions)];
    const owner = ['--owner', this.#owners.get(name) ?? `127.0.0.1:${this.#ports.owner}`];
    switch (name) {
      case 'all':
        return [...common, '--roles', 'registry,ingest,aggregator,store-replica,query,gateway'];
      case 'owner':
        return [...common, '--roles', 'registry,ingest,aggregator'];
      case 'reader':
        return [...common, ...owner, '--roles', 'query,gateway,store-replica'];
      case 'second':
        return [...common, ...owner, '--roles', 'query,gateway'];
      case 'standby':
        return [...common, ...owner, '--roles', 'store-replica'];
    }
  }
}
