import assert from 'node:assert';
import { createCompletion, type Completion } from '../lifecycle/service.js';
import type { MemberOptions, PartitionOwner, PartitionOwners, PartitionOwnership } from './membership.js';

/** The group of one process: all partitions are its own, from `join` to `leave`. */
export class SoloMembership implements PartitionOwnership, PartitionOwners {
  readonly #partitions: readonly number[];
  readonly #completion: Completion = createCompletion();
  #member: MemberOptions | undefined;
  #joining: Promise<void> = Promise.resolve();
  #leaving: Promise<void> | undefined;

  constructor(partitionCount: number) {
    assert(Number.isInteger(partitionCount) && partitionCount > 0);
    this.#partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
  }

  get done(): Promise<void> {
    return this.#completion.promise;
  }

  async join(member: MemberOptions): Promise<void> {
    assert(this.#member === undefined && this.#leaving === undefined, 'a membership is joined once');
    this.#member = member;
    this.#joining = this.#assign(member);
    await this.#joining;
  }

  leave(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  async owners(): Promise<readonly PartitionOwner[]> {
    const address = this.#member?.address;
    return address === undefined ? [] : this.#partitions.map((partition) => ({ partition, address }));
  }

  /** Ends a view of the owners; the member itself leaves by `leave`. */
  async close(): Promise<void> {
    // Nothing is held for the asking.
  }

  async #assign(member: MemberOptions): Promise<void> {
    try {
      await member.onAssigned(this.#partitions);
    } catch (error) {
      this.#member = undefined;
      this.#completion.reject(error);
      throw error;
    }
  }

  async #leave(): Promise<void> {
    await this.#joining.catch(() => undefined); // one handler at a time (M3)
    const member = this.#member;
    this.#member = undefined;
    try {
      await member?.onRevoked(this.#partitions, 'leaving');
      this.#completion.resolve();
    } catch (error) {
      this.#completion.reject(error);
      throw error;
    }
  }
}
