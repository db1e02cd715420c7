import assert from 'node:assert';
import { ThymeError } from '../../errors/errors.js';
import { createCompletion, type Completion } from '../../lifecycle/service.js';
import { systemClock, type Clock } from '../../time/clock.js';
import { KafkaCluster } from './cluster.js';
import type { KafkaConnectOptions } from './driver.js';
import { failureOf, KAFKA_CODE } from './errors.js';
import { KafkaGroup, type JoinedGroup } from './group.js';
import { codeOf, handled, HandlerFailure, Leaving, membershipFailure, otherPartitionCount, SessionLost } from './membership-errors.js';
import type { MemberOptions, PartitionOwnership, RevokeReason } from '../membership.js';
import { assignPartitions } from './partition-assignment.js';

export interface KafkaMembershipOptions {
  readonly connect: KafkaConnectOptions;
  /** `<deployment>.aggregator` or the like: all members of a group share out the same partitions. */
  readonly group: string;
  readonly partitionCount: number;
  /** Not heard of for so long, a member is lost. Brokers take 6 s to 30 min unless configured otherwise. */
  readonly sessionMs?: number;
  readonly clock?: Clock;
}

/**
 * What a partition stands still for when its owner dies: the least that brokers take unless configured otherwise, and still
 * above any pause of garbage collection. A member that is lost by mistake costs a takeover, and no record (M1).
 */
export const SESSION_MS = 6_000;
/** A change of the group is noticed after so long at most. */
const HEARTBEAT_MS = 1_000;
/** A first answer comes within seconds, or the brokers are not there. */
const JOIN_MS_MAX = 30_000;
const RETRY_MS = 200;

/** The membership of a consumer group whose leader assigns by our own rules. */
export function openKafkaMembership(options: KafkaMembershipOptions): PartitionOwnership {
  return new KafkaMembership(options);
}

class KafkaMembership implements PartitionOwnership {
  readonly #options: KafkaMembershipOptions;
  readonly #clock: Clock;
  readonly #sessionMs: number;
  readonly #cluster: KafkaCluster;
  readonly #group: KafkaGroup;
  readonly #closing = new AbortController();
  readonly #joined: Completion = createCompletion();
  readonly #ended: Completion = createCompletion();
  #member: MemberOptions | undefined;
  #memberId = '';
  #generation = -1;
  #owned: readonly number[] = [];
  #preferred: ReadonlySet<number> = new Set();
  /** When the coordinator last said that we are a member. */
  #heardUs: number;

  constructor(options: KafkaMembershipOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sessionMs = options.sessionMs ?? SESSION_MS;
    this.#cluster = new KafkaCluster(options.connect, this.#clock);
    this.#group = new KafkaGroup(this.#cluster, options.group);
    this.#heardUs = this.#clock.nowUs();
  }

  get done(): Promise<void> {
    return this.#ended.promise;
  }

  join(member: MemberOptions): Promise<void> {
    assert(this.#member === undefined && !this.#closing.signal.aborted, 'a membership is joined once');
    this.#member = member;
    this.#preferred = new Set(member.preferred);
    void this.#run(member).then(this.#ended.resolve, (error: unknown) => {
      const failure = error instanceof HandlerFailure ? error.cause : error;
      this.#joined.reject(failure);
      this.#ended.reject(failure);
    });
    return this.#joined.promise;
  }

  async leave(): Promise<void> {
    this.#closing.abort();
    if (this.#member === undefined) this.#ended.resolve();
    await this.#ended.promise.catch(() => undefined); // who watches `done` has it
  }

  async #run(member: MemberOptions): Promise<void> {
    const giveUpUs = this.#clock.nowUs() + JOIN_MS_MAX * 1_000;
    this.#heardUs = this.#clock.nowUs();
    try {
      while (!this.#closing.signal.aborted) {
        await this.#round(member).catch((error: unknown) => this.#recover(member, error, giveUpUs));
      }
      this.#joined.reject(new ThymeError('THYME_LEFT', 'UNAVAILABLE', 'this member left before the group had answered'));
    } finally {
      try {
        await this.#revoke(member, this.#owned, 'leaving');
      } finally {
        await this.#leaveGroup();
      }
    }
  }

  /** One generation of the group: from joining to the next change. */
  async #round(member: MemberOptions): Promise<void> {
    const { partitionCount } = this.#options;
    const joined = await this.#unlessLeaving(
      this.#group.join({
        memberId: this.#memberId,
        sessionMs: this.#sessionMs,
        onMemberId: (memberId) => (this.#memberId = memberId),
        member: { address: member.address, generation: this.#generation, owned: this.#owned, preferred: [...this.#preferred] },
      }),
    );
    const decided = joined.members === undefined ? new Map<string, readonly number[]>() : assignPartitions(partitionCount, joined.members);
    const assigned = await this.#unlessLeaving(this.#group.sync(joined, decided, partitionCount));
    if (assigned !== undefined && assigned.partitionCount !== partitionCount)
      throw otherPartitionCount(this.#options.group, partitionCount, assigned.partitionCount);
    this.#heardUs = this.#clock.nowUs();
    this.#generation = joined.generation;
    const applied = new AbortController();
    const beating = this.#beat(joined, AbortSignal.any([applied.signal, this.#closing.signal]));
    beating.catch(() => undefined); // it may fail while handlers run; awaited below
    try {
      const moved = await this.#apply(member, assigned?.partitions ?? []);
      this.#joined.resolve();
      if (moved) applied.abort(); // Join again at once: others wait for what this member has given up.
      await beating;
    } finally {
      applied.abort();
    }
  }

  /** Resolves to whether partitions were given up. */
  async #apply(member: MemberOptions, granted: readonly number[]): Promise<boolean> {
    const revoked = this.#owned.filter((partition) => !granted.includes(partition));
    await this.#revoke(member, revoked, 'moved');
    const assigned = granted.filter((partition) => !this.#owned.includes(partition));
    if (assigned.length > 0) {
      await handled(() => member.onAssigned(assigned));
      this.#owned = [...granted];
    }
    return revoked.length > 0;
  }

  async #revoke(member: MemberOptions, partitions: readonly number[], reason: RevokeReason): Promise<void> {
    if (partitions.length === 0) return;
    this.#owned = this.#owned.filter((partition) => !partitions.includes(partition));
    if (reason === 'lost') this.#preferred = new Set([...this.#preferred, ...partitions]);
    await handled(() => member.onRevoked(partitions, reason));
  }

  /** Resolves when the group changes or the signal aborts; rejects when this member is none any more. */
  async #beat(joined: JoinedGroup, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(HEARTBEAT_MS, signal);
      if (signal.aborted) return;
      this.#assertHeard(); // Before it asks: after a long pause the answer could only confirm it.
      try {
        await this.#group.heartbeat(joined);
        this.#heardUs = this.#clock.nowUs();
      } catch (error) {
        if (codeOf(error) === KAFKA_CODE.rebalanceInProgress) return;
        if (!this.#forgetStale(error)) throw error;
      }
    }
  }

  /** After a failed round: what to do before the next; throws what another round does not mend. */
  async #recover(member: MemberOptions, error: unknown, giveUpUs: number): Promise<void> {
    if (error instanceof HandlerFailure) throw error;
    if (error instanceof Leaving || codeOf(error) === KAFKA_CODE.rebalanceInProgress) return;
    const code = codeOf(error);
    if (code === KAFKA_CODE.unknownMember || code === KAFKA_CODE.illegalGeneration || error instanceof SessionLost) {
      if (code !== KAFKA_CODE.illegalGeneration) this.#memberId = '';
      return this.#revoke(member, this.#owned, 'lost');
    }
    const retriable = this.#forgetStale(error);
    const never = this.#generation < 0 && this.#clock.nowUs() > giveUpUs;
    if (!retriable || never)
      throw membershipFailure(error, { group: this.#options.group, brokers: this.#options.connect.brokers, sessionMs: this.#sessionMs });
    if (this.#silentMs() > this.#sessionMs) await this.#revoke(member, this.#owned, 'lost');
    await this.#clock.sleep(RETRY_MS, this.#closing.signal);
  }

  /** Whether asking again may help; forgets what should be asked anew. */
  #forgetStale(error: unknown): boolean {
    const failure = failureOf(error);
    if (failure !== 'connection' && failure !== 'stale' && failure !== 'busy') return false;
    this.#group.forgetCoordinator();
    if (failure === 'connection') this.#cluster.forgetConnections();
    return true;
  }

  #silentMs(): number {
    return (this.#clock.nowUs() - this.#heardUs) / 1_000;
  }

  #assertHeard(): void {
    if (this.#silentMs() > this.#sessionMs) throw new SessionLost();
  }

  /** A join may wait for others for long; who leaves does not. */
  async #unlessLeaving<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    const { signal } = this.#closing;
    const left = new AbortController();
    const leaving = new Promise<never>((_, reject) => {
      const refuse = (): void => reject(new Leaving());
      if (signal.aborted) refuse();
      signal.addEventListener('abort', refuse, { signal: left.signal });
    });
    return Promise.race([work, leaving]).finally(() => left.abort());
  }

  /** Over a connection of its own, since a join may hold the other. If it fails, the session's end does the same later. */
  async #leaveGroup(): Promise<void> {
    const cluster = new KafkaCluster(this.#options.connect, this.#clock);
    if (this.#memberId !== '') await new KafkaGroup(cluster, this.#options.group).leave(this.#memberId).catch(() => undefined);
    this.#cluster.forgetConnections();
    await cluster.close();
  }
}
