import { SourceError } from '../source-error.js';

/**
 * `throttled`: more was asked than the service gives; `expired`: an iterator, of five minutes; `missing`: there is no such stream, or
 * shard; `refused`: what was asked for makes no sense to it; `lasting`: a person has to mend it.
 */
export type KinesisFailure = 'throttled' | 'expired' | 'missing' | 'refused' | 'lasting' | 'passing';

const FAILURES: ReadonlyMap<string, KinesisFailure> = new Map([
  ['ProvisionedThroughputExceededException', 'throttled'],
  ['LimitExceededException', 'throttled'],
  ['ThrottlingException', 'throttled'],
  ['KMSThrottlingException', 'throttled'],
  ['ExpiredIteratorException', 'expired'],
  ['ResourceNotFoundException', 'missing'],
  ['InvalidArgumentException', 'refused'],
  ['ValidationException', 'refused'],
  ['AccessDenied', 'lasting'],
  ['AccessDeniedException', 'lasting'],
  ['CredentialsProviderError', 'lasting'],
  ['IncompleteSignature', 'lasting'],
  ['InvalidClientTokenId', 'lasting'],
  ['InvalidSignatureException', 'lasting'],
  ['KMSAccessDeniedException', 'lasting'],
  ['KMSDisabledException', 'lasting'],
  ['KMSInvalidStateException', 'lasting'],
  ['KMSNotFoundException', 'lasting'],
  ['KMSOptInRequired', 'lasting'],
  ['MissingAuthenticationTokenException', 'lasting'],
  ['UnrecognizedClientException', 'lasting'],
]);

/** As the SDK throws it: the service's own code as `name`. */
interface ServiceFailure {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

export function kinesisFailureOf(error: unknown): KinesisFailure {
  if (!(error instanceof Error)) return 'passing';
  const { name, $metadata } = error as ServiceFailure; // whatever it is, an Error has a name
  return FAILURES.get(name) ?? ($metadata?.httpStatusCode === 403 ? 'lasting' : 'passing');
}

/** In the words of the service; `doing` says what was asked of it. */
export function kinesisError(doing: string, error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const name = error instanceof Error ? error.name : 'Error';
  const message = error instanceof Error ? String(error.message) : String(error); // the SDK's may have none
  const said = name === 'Error' || message.startsWith(name) ? message : `${name}${message === '' ? '' : `: ${message}`}`;
  const failure = kinesisFailureOf(error);
  const stops = failure === 'lasting' || failure === 'refused';
  return new SourceError(stops ? 'stop' : 'retry', 'THYME_SOURCE_KINESIS', `${doing}: ${said}`, { cause: error });
}

export function streamMissing(arn: string, state?: string): SourceError {
  return new SourceError(
    'retry',
    'THYME_SOURCE_STREAM',
    `${state === undefined ? 'there is no' : `it is ${state}, the`} stream ${arn}${state === undefined ? ' yet' : ''}: create it, or correct streamArn`,
  );
}

export function streamMadeAnew(arn: string): SourceError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_POSITION_FOREIGN',
    `${arn} is not the stream that was read before: it was deleted and made anew, or is another server's, and its sequence numbers are of other records; ` +
      'raise the version of the dataset to read what it has now',
  );
}

export function recordsLost(arn: string, shard: string, seen: Date): SourceError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_RETENTION',
    `${shard} of ${arn} was last read to its end at ${seen.toISOString()}, and the stream's retention is over since: records may be lost; ` +
      'raise the version of the dataset to go on with what is still there, and keep records for longer',
  );
}

export function futureBegin(arn: string, time: Date): SourceError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_PARAMETER',
    `initPosition ${time.toISOString()} of ${arn} lies in the future: write a time that has been, or latest`,
  );
}
