import { ThymeError } from '../errors/errors.js';
import type { PartitionOwners } from '../log/membership.js';
import type { ReplicationSource } from './replication-source.js';

/** Who owns which partition, asked once for all who want to know, and again when somebody found it wrong. */
export class OwnerDirectory {
  readonly #owners: PartitionOwners;
  #asked: Promise<ReadonlyMap<number, string>> | undefined;

  constructor(owners: PartitionOwners) {
    this.#owners = owners;
  }

  /** `host:port` of the owner; UNAVAILABLE while there is none. */
  async addressOf(partition: number): Promise<string> {
    const address = (await this.#map()).get(partition);
    if (address !== undefined) return address;
    this.forget();
    throw new ThymeError(
      'THYME_NO_OWNER',
      'UNAVAILABLE',
      `partition ${partition} has no owner at the moment: an aggregator takes it over soon`,
    );
  }

  /** The addresses of all owners, each once. */
  async addresses(): Promise<readonly string[]> {
    this.forget();
    return [...new Set((await this.#map()).values())];
  }

  /** What was known is no longer trusted: the next one asks anew. */
  forget(): void {
    this.#asked = undefined;
  }

  close(): Promise<void> {
    return this.#owners.close();
  }

  #map(): Promise<ReadonlyMap<number, string>> {
    if (this.#asked !== undefined) return this.#asked;
    const asking = this.#owners.owners().then((owners) => new Map(owners.map(({ partition, address }) => [partition, address])));
    this.#asked = asking;
    asking.catch(() => {
      if (this.#asked === asking) this.forget();
    });
    return asking;
  }
}

/**
 * Each partition from the process that owns it at the moment (DESIGN 5). When a stream ends or fails, the owner is
 * looked up anew: whoever follows subscribes again, and goes on with the next owner where it was.
 */
export function fleetSource(directory: OwnerDirectory, sourceAt: (address: string) => ReplicationSource): ReplicationSource {
  async function* follow<T>(partition: number, open: (source: ReplicationSource) => AsyncIterable<T>): AsyncGenerator<T> {
    const address = await directory.addressOf(partition);
    let ended = false;
    try {
      yield* open(sourceAt(address));
      ended = true;
    } catch (error) {
      ended = true;
      throw error;
    } finally {
      if (ended) directory.forget(); // not where the reader has merely had enough
    }
  }
  return {
    subscribe: (partition, position, signal) => follow(partition, (source) => source.subscribe(partition, position, signal)),
    snapshot: (partition, signal) => follow(partition, (source) => source.snapshot(partition, signal)),
  };
}
