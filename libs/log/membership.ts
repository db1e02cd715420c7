// Which process should own which partition: task p of the aggregator, with partition p of every topic.
// A driver for each place the log runs: solo-membership.ts (one process, beside the embedded log) and
// kafka-membership.ts (a consumer group of its own protocol; no topic is consumed through it).
//
// What it promises:
//   M1. A partition is assigned to one member at a time: another one gets it after `onRevoked` has resolved
//       there, or when the member was not heard of for a whole session. A member that was held still for
//       longer may learn of it late: membership says who should own, a writer's epoch who can (L4).
//   M2. Partitions are spread evenly (counts differ by one at most) over the members, and stay where they are
//       as far as that allows. The same members with the same partitions always give the same assignment.
//   M3. `onAssigned` and `onRevoked` come one after another, never two at a time, and name changes only: a
//       partition is never assigned twice without being revoked in between.
//   M4. After `leave` has resolved, or `done` has settled, nothing is assigned and no handler runs.

/** Why a partition goes: it moves to another member, this one leaves, or it was not heard of for too long. */
export type RevokeReason = 'moved' | 'leaving' | 'lost';

export interface MembershipEvents {
  /** Start its work and return: the next change of the group waits for this. One that throws ends the membership. */
  onAssigned(partitions: readonly number[]): Promise<void> | void;
  /**
   * Resolve when the partitions' work has ended: for `moved` and `leaving` after the last commit, for which
   * there are `REVOKE_MS_MAX`. When they are `lost`, another may own them already: drop them at once.
   */
  onRevoked(partitions: readonly number[], reason: RevokeReason): Promise<void> | void;
}

/** What one member brings along. */
export interface MemberOptions extends MembershipEvents {
  /** `host:port` at which others reach this member's gRPC server. */
  readonly address: string;
  /** Partitions whose state lies on this member's disk: assigned to it where that keeps the spread even (M2). */
  readonly preferred?: readonly number[];
}

/** A partition's owner as of the last assignment; members without partitions are not named. */
export interface PartitionOwner {
  readonly partition: number;
  readonly address: string;
}

/** How long a member may take to end the work of partitions that move; after that it is `lost` to the group. */
export const REVOKE_MS_MAX = 30_000;

/** This process's part in sharing out the partitions. */
export interface PartitionOwnership {
  /** Resolves when the group has answered for the first time; UNAVAILABLE or PERMISSION_DENIED if it never will. Call once. */
  join(member: MemberOptions): Promise<void>;
  /** Revokes all with `leaving`, so that others get them at once. Idempotent; without `join`, nothing happens. */
  leave(): Promise<void>;
  /** Settles when the membership has ended; rejects with the failure that ended it. A broker that is away ends nothing. */
  readonly done: Promise<void>;
}

/** Where partitions are, for those who ask their owners and need not be members (query, gateway, standby). */
export interface PartitionOwners {
  /** As of now, in the order of partitions. A partition without an owner is missing: ask again. */
  owners(): Promise<readonly PartitionOwner[]>;
  close(): Promise<void>;
}
