import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { ThymeError, type FieldViolation, type StatusName } from '../errors/errors.js';

// Errors on the wire: a gRPC status, and in `grpc-status-details-bin` a google.rpc.Status that
// carries an ErrorInfo (the stable code), a BadRequest (the violations) and a RequestInfo (the query run's id).

const DETAILS_KEY = 'grpc-status-details-bin';
const DOMAIN = 'thyme';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';
const REQUEST_INFO = 'type.googleapis.com/google.rpc.RequestInfo';

/** Trailers are headers, and clients limit them to 8 KiB and more: what does not fit is cut. */
const MESSAGE_LENGTH_MAX = 1_024;
const VIOLATIONS_MAX = 20;
const VIOLATION_LENGTH_MAX = 256;
const REQUEST_ID_LENGTH_MAX = 128;

const CODE_OF: Readonly<Record<StatusName, status>> = {
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  NOT_FOUND: status.NOT_FOUND,
  FAILED_PRECONDITION: status.FAILED_PRECONDITION,
  ABORTED: status.ABORTED,
  OUT_OF_RANGE: status.OUT_OF_RANGE,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  UNAVAILABLE: status.UNAVAILABLE,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  INTERNAL: status.INTERNAL,
};

const NAME_OF: ReadonlyMap<status, StatusName> = new Map(
  // The cast says what Object.entries forgets: the keys are those of CODE_OF.
  Object.entries(CODE_OF).map(([name, code]) => [code, name as StatusName]),
);

/** The status to answer with. What is not a ThymeError, or is one of ours about ourselves, leaves without its words. */
export function toStatus(error: unknown): StatusObject {
  if (!(error instanceof ThymeError) || error.status === 'INTERNAL') {
    return { code: status.INTERNAL, details: 'internal error', metadata: new Metadata() };
  }
  const code = CODE_OF[error.status];
  const details = wellFormed(error.message, MESSAGE_LENGTH_MAX);
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(encodeRpcStatus(code, details, error)));
  return { code, details, metadata };
}

/** The error that a status from the other side means here. */
export function fromStatus(error: ServiceError): ThymeError {
  const name = NAME_OF.get(error.code);
  const { code, violations, requestId } = decodeDetails(error.metadata);
  // Without our details it is grpc-js that speaks, of addresses and sockets which are not the caller's business.
  if (name === 'UNAVAILABLE' && code === undefined) {
    return new ThymeError('THYME_UNAVAILABLE', 'UNAVAILABLE', 'a service that is needed for this does not answer: send it again', [], { cause: error });
  }
  if (name === 'DEADLINE_EXCEEDED' && code === undefined) {
    return new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'the deadline passed before the answer was there', [], { cause: error });
  }
  if (name !== undefined && name !== 'INTERNAL') {
    return new ThymeError(code ?? `THYME_${name}`, name, error.details, violations, { cause: error, ...(requestId === undefined ? {} : { requestId }) });
  }
  if (error.code === status.UNIMPLEMENTED) {
    return new ThymeError('THYME_UNIMPLEMENTED', 'FAILED_PRECONDITION', 'the server does not know this method: upgrade it', [], { cause: error });
  }
  if (error.code === status.CANCELLED) {
    return new ThymeError('THYME_UNAVAILABLE', 'UNAVAILABLE', 'the server ended the call: send it again', [], { cause: error });
  }
  return new ThymeError('THYME_INTERNAL', 'INTERNAL', 'internal error', [], { cause: error });
}

function encodeRpcStatus(code: status, message: string, error: ThymeError): Uint8Array {
  const writer = new BinaryWriter().uint32((1 << 3) | 0).int32(code).uint32((2 << 3) | 2).string(message);
  writeAny(writer, ERROR_INFO, new BinaryWriter().uint32((1 << 3) | 2).string(error.code).uint32((2 << 3) | 2).string(DOMAIN).finish());
  if (error.violations.length > 0) writeAny(writer, BAD_REQUEST, encodeBadRequest(error.violations));
  if (error.requestId !== undefined) writeAny(writer, REQUEST_INFO, new BinaryWriter().uint32((1 << 3) | 2).string(error.requestId).finish());
  return writer.finish();
}

function encodeBadRequest(violations: readonly FieldViolation[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, description } of violations.slice(0, VIOLATIONS_MAX)) {
    writer.uint32((1 << 3) | 2).fork();
    writer.uint32((1 << 3) | 2).string(wellFormed(field, VIOLATION_LENGTH_MAX));
    writer.uint32((2 << 3) | 2).string(wellFormed(description, VIOLATION_LENGTH_MAX)).join();
  }
  return writer.finish();
}

function writeAny(writer: BinaryWriter, typeUrl: string, value: Uint8Array): void {
  writer.uint32((3 << 3) | 2).fork().uint32((1 << 3) | 2).string(typeUrl).uint32((2 << 3) | 2).bytes(value).join();
}

interface Details {
  code: `THYME_${string}` | undefined;
  readonly violations: FieldViolation[];
  requestId: string | undefined;
}

/** Reads what it knows and skips the rest; details that cannot be read are details that were not sent. */
function decodeDetails(metadata: Metadata | undefined): Details {
  const details: Details = { code: undefined, violations: [], requestId: undefined };
  const [bytes] = metadata?.get(DETAILS_KEY) ?? [];
  if (!(bytes instanceof Uint8Array)) return details;
  try {
    for (const any of repeatedBytes(bytes, 3)) readDetail(any, details);
  } catch {
    return { code: undefined, violations: [], requestId: undefined };
  }
  return details;
}

function readDetail(any: Uint8Array, details: Details): void {
  const [value] = repeatedBytes(any, 2);
  if (value === undefined) return;
  switch (textOf(any, 1)) {
    case ERROR_INFO: {
      const reason = textOf(value, 1);
      if (isThymeCode(reason)) details.code = reason;
      break;
    }
    case REQUEST_INFO: {
      const id = textOf(value, 1);
      if (/^[\w-]+$/.test(id) && id.length <= REQUEST_ID_LENGTH_MAX) details.requestId = id; // it becomes a header
      break;
    }
    case BAD_REQUEST:
      for (const violation of repeatedBytes(value, 1).slice(0, VIOLATIONS_MAX)) {
        details.violations.push({ field: textOf(violation, 1), description: textOf(violation, 2) });
      }
      break;
  }
}

function isThymeCode(text: string): text is `THYME_${string}` {
  return text.startsWith('THYME_');
}

function textOf(bytes: Uint8Array, field: number): string {
  return new TextDecoder().decode(repeatedBytes(bytes, field)[0] ?? new Uint8Array());
}

/** The length-delimited values of one field of a message. */
function repeatedBytes(bytes: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field && wireType === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(wireType, number);
  }
  return found;
}

/** Cut, and without halves of surrogate pairs, over which URI and protobuf encoding stumble. */
function wellFormed(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}
