import { ThymeError } from '../../errors/errors.js';
import type { GroupMember } from './partition-assignment.js';

/** The texts that members exchange through the broker, JSON in UTF-8; a broker refuses a group's that are over 1 MB in all. */
const VERSION = 1;

/** What a member joins with. */
export type MemberText = Omit<GroupMember, 'id'>;

/** What the leader gives a member; the count, so that members of different configurations notice. */
export interface AssignmentText {
  readonly partitionCount: number;
  readonly partitions: readonly number[];
}

export function encodeMember({ address, generation, owned, preferred }: MemberText): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, address, generation, owned, preferred }));
}

export function decodeMember(bytes: Uint8Array): MemberText {
  const { address, generation, owned, preferred } = parse(bytes);
  if (typeof address !== 'string' || typeof generation !== 'number' || !isPartitions(owned) || !isPartitions(preferred))
    throw foreignGroup();
  return { address, generation, owned, preferred };
}

export function encodeAssignment({ partitionCount, partitions }: AssignmentText): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, partitionCount, partitions }));
}

/** A member that came after the leader had decided has no text: nothing, until the next round. */
export function decodeAssignment(bytes: Uint8Array): AssignmentText | undefined {
  if (bytes.length === 0) return undefined;
  const { partitionCount, partitions } = parse(bytes);
  if (typeof partitionCount !== 'number' || !isPartitions(partitions)) throw foreignGroup();
  return { partitionCount, partitions };
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION) return { ...value };
  } catch {
    // Said below: the text is somebody else's.
  }
  throw foreignGroup();
}

function isPartitions(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((partition) => Number.isInteger(partition) && partition >= 0);
}

function foreignGroup(): ThymeError {
  return new ThymeError(
    'THYME_GROUP_FOREIGN',
    'FAILED_PRECONDITION',
    'the consumer group has members of another program or version: use another deployment name, or upgrade them',
  );
}
