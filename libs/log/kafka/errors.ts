import { ThymeError } from '../../errors/errors.js';
import { describeCode } from './driver.js';

/** An error code in a broker's answer. */
export class KafkaAnswerError extends Error {
  override readonly name = 'KafkaAnswerError';

  constructor(
    readonly kafkaCode: number,
    readonly what: string,
  ) {
    const { type, message } = describeCode(kafkaCode);
    super(`${what}: ${type}: ${message}`);
  }
}

export const KAFKA_CODE = {
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopic: 3,
  messageTooLarge: 10,
  topicExists: 36,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidTransactionState: 48,
  concurrentTransactions: 51,
  unknownProducerId: 59,
  illegalGeneration: 22,
  inconsistentProtocol: 23,
  unknownMember: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  groupIdNotFound: 69,
  memberIdRequired: 79,
  groupMaxSizeReached: 81,
} as const;

/** The leader or coordinator is elsewhere, or not there yet: ask again where it is, then retry. */
const STALE = new Set([3, 5, 6, 8, 9, 13, 14, 15, 16, 41, 56, 74, 75, 76, 78, 100]);
/** Retry where it is: waits for replicas, markers being written, throttling. */
const BUSY = new Set([7, 19, 20, 51, 89]);
/** A newer producer with the same id exists, also one with a new producer id, or the coordinator aborted for us (L4). */
const FENCED = new Set([47, 49, 90]);
const REFUSED = new Set([29, 30, 31, 33, 34, 53, 54, 58, 65]);
const UNSUPPORTED_VERSION = 35;
const CONNECTION_NAMES = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSLockTimeout',
]);

/** Who answers is nobody that our authorities vouch for; trying again does not change that. */
const UNTRUSTED = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_\w+)$/;

/** What the listener's TLS says of our certificate, or of our having none. */
const CERTIFICATE_REFUSED = /^ERR_SSL_\w*ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA)$/;

export type KafkaFailure = 'stale' | 'busy' | 'fenced' | 'refused' | 'connection' | 'untrusted' | 'unsupported' | 'other';

/** What to do about a failure; codes that are not known are the most careful kind. */
export function failureOf(error: unknown): KafkaFailure {
  if (error instanceof KafkaAnswerError) return failureOfCode(error.kafkaCode);
  if (!(error instanceof Error)) return 'other';
  if (error.name === 'KafkaJSSASLAuthenticationError') return 'refused';
  if (error.name === 'KafkaJSServerDoesNotSupportApiKey') return 'unsupported';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && UNTRUSTED.test(code)) return 'untrusted';
  if (isCertificateRefused(error)) return 'refused';
  if (CONNECTION_NAMES.has(error.name)) return 'connection';
  return typeof code === 'number' ? failureOfCode(code) : 'other'; // what kafkajs asked by itself, at the login
}

function failureOfCode(code: number): KafkaFailure {
  if (STALE.has(code)) return 'stale';
  if (BUSY.has(code)) return 'busy';
  if (FENCED.has(code)) return 'fenced';
  if (REFUSED.has(code)) return 'refused';
  return code === UNSUPPORTED_VERSION ? 'unsupported' : 'other';
}

export function throwOnCode(code: number, what: string): void {
  if (code !== 0) throw new KafkaAnswerError(code, what);
}

/** Which broker failed, and how, is the operator's business. */
const LOG_FAILED = 'the log does not do as it should: send it again';

/** The failure in the words of the contract, for who called the log. */
export function toThymeError(error: unknown, brokers: readonly string[]): ThymeError {
  if (error instanceof ThymeError) return error;
  const cause = { cause: error, told: LOG_FAILED };
  const said = error instanceof Error ? error.message : 'unknown failure';
  const where = brokers.join(',');
  switch (failureOf(error)) {
    case 'connection':
      return new ThymeError('THYME_KAFKA_ABSENT', 'UNAVAILABLE', `no answer from Kafka at ${where}: ${said}${hintOf(error)}`, [], cause);
    case 'untrusted':
      return new ThymeError(
        'THYME_KAFKA_UNTRUSTED',
        'FAILED_PRECONDITION',
        `the certificate of Kafka at ${where} is not trusted: ${said}; name its authority's PEM file in THYME_KAFKA_SSL_CA, and brokers by names that it covers`,
        [],
        cause,
      );
    case 'refused':
      return new ThymeError(
        'THYME_KAFKA_REFUSED',
        'PERMISSION_DENIED',
        `Kafka at ${where} refuses this client: ${said}; check its ${isCertificateRefused(error) ? 'certificate (THYME_KAFKA_SSL_CERT, THYME_KAFKA_SSL_KEY)' : 'credentials and access rules'}`,
        [],
        cause,
      );
    case 'unsupported':
      return tooOld(where, said, error);
    default:
      return new ThymeError('THYME_KAFKA_FAILED', 'UNAVAILABLE', `Kafka at ${where} failed: ${said}`, [], cause);
  }
}

function isCertificateRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && CERTIFICATE_REFUSED.test(error.code);
}

/** A listener that hangs up is often one that is spoken to in the wrong way, and cannot say so. */
function hintOf(error: unknown): string {
  const hungUp =
    error instanceof Error && (error.name === 'KafkaJSConnectionClosedError' || ('code' in error && error.code === 'ECONNRESET'));
  return hungUp
    ? '; if the broker runs, see whether this listener wants TLS (THYME_KAFKA_SSL) and a password (THYME_KAFKA_SASL_MECHANISM), or neither'
    : '';
}

export function tooOld(where: string, said: string, cause?: unknown): ThymeError {
  return new ThymeError('THYME_KAFKA_TOO_OLD', 'FAILED_PRECONDITION', `Kafka at ${where} is too old: ${said}; use 2.4 or newer`, [], {
    cause,
    told: LOG_FAILED,
  });
}

/** Nobody here knows whether the transaction committed; who reads the log after the next writer has begun does (L2, L4). */
export function commitUnknown(transactionalId: string, cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_COMMIT_UNKNOWN',
    'UNAVAILABLE',
    `no answer to the commit of '${transactionalId}': take a new writer, which decides it, and read what is there`,
    [],
    { cause },
  );
}

/** A broker has lost the markers of a transaction, and the id has another producer by now, which cannot write them. */
export function hangingTransaction(
  transactionalId: string,
  hanging: readonly { readonly topic: string; readonly partition: number }[],
): ThymeError {
  const places = hanging.map(({ topic, partition }) => `${topic}-${partition}`).join(', ');
  return new ThymeError(
    'THYME_TRANSACTION_HANGS',
    'FAILED_PRECONDITION',
    `the last transaction of '${transactionalId}' was never ended in ${places.slice(0, 512)}: see kafka-transactions.sh find-hanging, and end it with its abort`,
  );
}

/** Fenced by a newer writer (L4), or the transaction stood open for so long that the broker aborted it: it cannot be told apart. */
export function fencedByBroker(transactionalId: string, epoch: number, cause: unknown): ThymeError {
  return new ThymeError(
    'THYME_FENCED',
    'ABORTED',
    `writer ${epoch} of '${transactionalId}' is fenced by a newer one: drop it, and take the partition anew if it is still yours`,
    [],
    { cause, disposition: 'stop' },
  );
}

export function wrongTopicConfig(topic: string, name: string, found: string, wanted: string): ThymeError {
  return new ThymeError(
    'THYME_TOPIC_CONFIG',
    'FAILED_PRECONDITION',
    `topic '${topic}' has ${name}=${found}, and the log needs ${wanted}: kafka-configs.sh --alter --topic ${topic} --add-config ${name}=${wanted}`,
  );
}

export function logTrimmed(topic: string, partition: number, offset: number, start: number): ThymeError {
  return new ThymeError(
    'THYME_LOG_TRIMMED',
    'OUT_OF_RANGE',
    `partition ${partition} of '${topic}' begins at offset ${start}, and ${offset} was asked for: what came before is gone; check the topic's retention`,
  );
}
