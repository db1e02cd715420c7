import { ThymeError } from '../../errors/errors.js';
import { KAFKA_CODE, KafkaAnswerError, toThymeError } from './errors.js';

/** The time without an answer is over: others may own what this member works on. */
export class SessionLost extends Error {}

/** Ends the wait of a round, and nothing else. */
export class Leaving extends Error {}

/** So that a handler's failure is not taken for one of the group's. */
export class HandlerFailure extends Error {
  constructor(override readonly cause: unknown) {
    super('a handler of the membership failed');
  }
}

export async function handled(handler: () => Promise<void> | void): Promise<void> {
  try {
    await handler();
  } catch (error) {
    throw new HandlerFailure(error);
  }
}

export function codeOf(error: unknown): number | undefined {
  return error instanceof KafkaAnswerError ? error.kafkaCode : undefined;
}

export function otherPartitionCount(group: string, own: number, others: number): ThymeError {
  return new ThymeError(
    'THYME_PARTITION_COUNT',
    'FAILED_PRECONDITION',
    `the members of '${group}' share out ${others} partitions, and this one ${own}: give all the same count`,
    [],
    { disposition: 'stop' },
  );
}

export function membershipFailure(
  error: unknown,
  { group, brokers, sessionMs }: { readonly group: string; readonly brokers: readonly string[]; readonly sessionMs: number },
): unknown {
  switch (codeOf(error)) {
    case KAFKA_CODE.inconsistentProtocol:
      return new ThymeError(
        'THYME_GROUP_FOREIGN',
        'FAILED_PRECONDITION',
        `the consumer group '${group}' has members of another program: use another deployment name, or stop them`,
        [],
        { cause: error },
      );
    case KAFKA_CODE.invalidSessionTimeout:
      return new ThymeError(
        'THYME_CONFIG',
        'INVALID_ARGUMENT',
        `the broker refuses a session of ${sessionMs} ms: see its group.min.session.timeout.ms and group.max.session.timeout.ms`,
        [],
        { cause: error },
      );
    default:
      return toThymeError(error, brokers);
  }
}
