import { SourceError } from '../source-error.js';

/** What a person has to mend: rights, names, settings. Everything else may pass. */
const LASTING = new Set([
  'AccessDenied',
  'AuthorizationHeaderMalformed',
  'CredentialsProviderError',
  'InvalidAccessKeyId',
  'InvalidBucketName',
  'InvalidObjectState',
  'InvalidToken',
  'NoSuchBucket',
  'PermanentRedirect',
  'SignatureDoesNotMatch',
]);
/** Its object is another one by now, or gone. */
const MOVED = new Set(['NoSuchKey', 'NotFound', 'PreconditionFailed']);

/** As the SDK throws it: the service's own code as `name`. */
interface ServiceFailure {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** In the words of the service; `doing` says what was asked of it. */
export function s3Error(doing: string, error: unknown): unknown {
  if (error instanceof SourceError || !(error instanceof Error)) return error;
  const { name, message, $metadata } = error as ServiceFailure; // whatever it is, an Error has name and message
  if (/^Region is missing/.test(message))
    return new SourceError('stop', 'THYME_SOURCE_S3', `${doing}: no region is known: write region, or set THYME_S3_REGION or AWS_REGION`, {
      cause: error,
    });
  const isLasting = LASTING.has(name) || $metadata?.httpStatusCode === 403;
  const said =
    name === 'Error' || message.startsWith(name) ? message : `${name}${message === '' || message === name ? '' : `: ${message}`}`;
  return new SourceError(isLasting ? 'stop' : 'retry', 'THYME_SOURCE_S3', `${doing}: ${said}`, { cause: error });
}

/** Whether the service says that there is no such object, or not in that version. */
export function saysMoved(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, $metadata } = error as ServiceFailure; // whatever it is, an Error has a name
  return MOVED.has(name) || $metadata?.httpStatusCode === 404 || $metadata?.httpStatusCode === 412;
}
