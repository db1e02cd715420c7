// The consumer group protocol without consuming: one method a request. What the members tell each other
// through it is group-texts.ts.
import { callBroker, type DriverBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { KAFKA_CODE, KafkaAnswerError, throwOnCode } from './errors.js';
import { decodeAssignment, decodeMember, encodeAssignment, encodeMember, type AssignmentText, type MemberText } from './group-texts.js';
import { REVOKE_MS_MAX, type PartitionOwner } from '../membership.js';
import type { Assignment, GroupMember } from './partition-assignment.js';

/** Not `consumer`: tools that look at topics' lag leave it alone, and a consumer with the same group id is refused. */
const PROTOCOL_TYPE = 'thyme';
const PROTOCOL = 'thyme-1';
/** A join waits for those who end the work of partitions that move. */
const JOIN_MS_MAX = REVOKE_MS_MAX + 5_000;

export interface JoinOptions {
  /** Empty for one that is no member yet. */
  readonly memberId: string;
  readonly member: MemberText;
  readonly sessionMs: number;
  readonly onMemberId: (memberId: string) => void;
}

export interface JoinedGroup {
  readonly memberId: string;
  readonly generation: number;
  /** All members where this one is to assign, undefined where another is. */
  readonly members: readonly GroupMember[] | undefined;
}

interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

interface DescribeAnswer {
  readonly groups: readonly {
    readonly errorCode: number;
    readonly state: string;
    readonly protocolType: string;
    readonly members: readonly { readonly memberMetadata: Buffer; readonly memberAssignment: Buffer }[];
  }[];
}

export class KafkaGroup {
  readonly #cluster: KafkaCluster;
  readonly #group: string;
  #coordinator: DriverBroker | undefined;

  constructor(cluster: KafkaCluster, group: string) {
    this.#cluster = cluster;
    this.#group = group;
  }

  /** Resolves when all members have joined again or were given up. `onMemberId` learns the id before that. */
  async join({ memberId, member, sessionMs, onMemberId }: JoinOptions): Promise<JoinedGroup> {
    const answer = (await this.#call(
      'JoinGroup',
      {
        memberId,
        sessionTimeout: sessionMs,
        rebalanceTimeout: REVOKE_MS_MAX,
        protocolType: PROTOCOL_TYPE,
        groupProtocols: [{ name: PROTOCOL, metadata: encodeMember(member) }],
      },
      JOIN_MS_MAX,
    )) as JoinAnswer; // As kafkajs decodes it.
    if (answer.errorCode === KAFKA_CODE.memberIdRequired && answer.memberId !== memberId) {
      onMemberId(answer.memberId);
      return this.join({ memberId: answer.memberId, member, sessionMs, onMemberId });
    }
    throwOnCode(answer.errorCode, `joining the group '${this.#group}'`);
    onMemberId(answer.memberId);
    const members = answer.members.map(({ memberId: id, memberMetadata }) => ({ id, ...decodeMember(memberMetadata) }));
    return {
      memberId: answer.memberId,
      generation: answer.generationId,
      members: answer.leaderId === answer.memberId ? members : undefined,
    };
  }

  /** Gives the leader's assignment, empty from the others, and resolves to this member's part of it. */
  async sync({ memberId, generation }: JoinedGroup, assignment: Assignment, partitionCount: number): Promise<AssignmentText | undefined> {
    const groupAssignment = [...assignment].map(([id, partitions]) => ({
      memberId: id,
      memberAssignment: encodeAssignment({ partitionCount, partitions }),
    }));
    const answer = (await this.#call('SyncGroup', { memberId, generationId: generation, groupAssignment }, JOIN_MS_MAX)) as {
      readonly errorCode: number;
      readonly memberAssignment: Buffer;
    }; // As kafkajs decodes it.
    throwOnCode(answer.errorCode, `the assignment of the group '${this.#group}'`);
    return decodeAssignment(answer.memberAssignment);
  }

  async heartbeat({ memberId, generation }: JoinedGroup): Promise<void> {
    const { errorCode } = (await this.#call('Heartbeat', { memberId, groupGenerationId: generation })) as { readonly errorCode: number }; // As kafkajs decodes it.
    throwOnCode(errorCode, `the heartbeat of a member of '${this.#group}'`);
  }

  async leave(memberId: string): Promise<void> {
    const { errorCode } = (await this.#call('LeaveGroup', { memberId })) as { readonly errorCode: number }; // As kafkajs decodes it.
    if (errorCode !== KAFKA_CODE.unknownMember) throwOnCode(errorCode, `leaving the group '${this.#group}'`);
  }

  /** Who owns what; undefined while the group is changing, when the coordinator does not tell. */
  async owners(): Promise<readonly PartitionOwner[] | undefined> {
    const {
      groups: [group],
    } = (await this.#call('DescribeGroups', { groupIds: [this.#group] })) as DescribeAnswer; // As kafkajs decodes it.
    if (group === undefined) throw new KafkaAnswerError(KAFKA_CODE.unknownMember, `the group '${this.#group}'`);
    // Kafka 4 says with this code what Kafka 3 says with an empty group.
    if (group.errorCode === KAFKA_CODE.groupIdNotFound || ['Dead', 'Empty'].includes(group.state)) return [];
    throwOnCode(group.errorCode, `the group '${this.#group}'`);
    if (group.state !== 'Stable') return undefined;
    return group.members
      .flatMap(({ memberMetadata, memberAssignment }) => {
        const { address } = decodeMember(memberMetadata);
        return (decodeAssignment(memberAssignment)?.partitions ?? []).map((partition) => ({ partition, address }));
      })
      .toSorted((a, b) => a.partition - b.partition);
  }

  /** After an answer that the coordinator is elsewhere, or none. */
  forgetCoordinator(): void {
    this.#coordinator = undefined;
  }

  async #call(
    api: 'JoinGroup' | 'SyncGroup' | 'Heartbeat' | 'LeaveGroup' | 'DescribeGroups',
    values: object,
    msMax?: number,
  ): Promise<unknown> {
    this.#coordinator ??= await this.#cluster.groupCoordinator(this.#group);
    return callBroker(this.#coordinator, api, { groupId: this.#group, ...values }, msMax);
  }
}
