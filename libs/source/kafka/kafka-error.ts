import { ThymeError } from '../../errors/errors.js';
import { failureOf, toThymeError } from '../../log/kafka/errors.js';
import { SourceError } from '../source-error.js';

/** Waiting mends none of these: a password, a certificate or the broker's age. */
const FOR_PEOPLE = new Set(['refused', 'untrusted', 'unsupported']);

/** A failure of a cluster, in the words that the log has for its own; whether it may be better later is decided by its kind. */
export function kafkaSourceError(what: string, error: unknown, brokers: readonly string[]): SourceError {
  if (error instanceof SourceError) return error;
  const stops = !(error instanceof ThymeError) && FOR_PEOPLE.has(failureOf(error));
  return new SourceError(stops ? 'stop' : 'retry', 'THYME_SOURCE_KAFKA', `${what}: ${toThymeError(error, brokers).message}`, {
    cause: error,
  });
}

export function topicMissing(topic: string, brokers: readonly string[]): SourceError {
  return new SourceError(
    'retry',
    'THYME_SOURCE_TOPIC',
    `there is no topic '${topic}' at ${brokers.join(',')} yet: create it, or correct its name`,
  );
}

export function topicMadeAnew(topic: string): SourceError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_POSITION_FOREIGN',
    `topic '${topic}' is not the one that was read before: it was made anew, or the brokers are another cluster's, and its offsets are of other messages; ` +
      'name the old cluster again, or raise the version of the dataset',
  );
}

export function topicCutShort(topic: string, partition: number, next: number): SourceError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_POSITION_FOREIGN',
    `partition ${partition} of '${topic}' ends before offset ${next}, which was read already: it was made anew, or has lost what its brokers had confirmed; ` +
      'raise the version of the dataset to read what it has now',
  );
}

export function batchUnreadable(topic: string, partition: number, cause: Error): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_KAFKA', `partition ${partition} of '${topic}': ${cause.message}`, { cause });
}
