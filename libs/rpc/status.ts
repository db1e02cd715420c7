import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack, anyUnpack, type Any } from '@bufbuild/protobuf/wkt';
import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RequestInfoSchema, type BadRequest } from '../../gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../gen/google/rpc/status_pb.js';
import { ThymeError, type FieldViolation, type StatusName } from '../errors/errors.js';
import { toldMessage } from '../errors/incident.js';

// Errors on the wire: a gRPC status, and in `grpc-status-details-bin` a google.rpc.Status that
// carries an ErrorInfo (the stable code), a BadRequest (the violations) and a RequestInfo (the query run's id).

const DETAILS_KEY = 'grpc-status-details-bin';
const DOMAIN = 'thyme';

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

/** The status to answer with. What is not a ThymeError, or is one of ours about ourselves, leaves without its words: incident.ts. */
export function toStatus(error: unknown): StatusObject {
  if (!(error instanceof ThymeError) || error.status === 'INTERNAL') {
    return { code: status.INTERNAL, details: toldMessage(error), metadata: new Metadata() };
  }
  const code = CODE_OF[error.status];
  const details = wellFormed(toldMessage(error), MESSAGE_LENGTH_MAX);
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
    return new ThymeError('THYME_UNAVAILABLE', 'UNAVAILABLE', 'a service that is needed for this does not answer: send it again', [], {
      cause: error,
    });
  }
  if (name === 'DEADLINE_EXCEEDED' && code === undefined) {
    return new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'the deadline passed before the answer was there', [], {
      cause: error,
    });
  }
  if (name !== undefined && name !== 'INTERNAL') {
    return new ThymeError(code ?? `THYME_${name}`, name, error.details, violations, {
      cause: error,
      ...(requestId === undefined ? {} : { requestId }),
    });
  }
  if (error.code === status.UNIMPLEMENTED) {
    return new ThymeError('THYME_UNIMPLEMENTED', 'FAILED_PRECONDITION', 'the server does not know this method: upgrade it', [], {
      cause: error,
    });
  }
  if (error.code === status.CANCELLED) {
    return new ThymeError('THYME_UNAVAILABLE', 'UNAVAILABLE', 'the server ended the call: send it again', [], { cause: error });
  }
  // Its id leads to the other side's log.
  const message = error.details.startsWith('internal error') ? error.details : 'internal error';
  return new ThymeError('THYME_INTERNAL', 'INTERNAL', message, [], { cause: error });
}

function encodeRpcStatus(code: status, message: string, { code: reason, violations, requestId, told }: ThymeError): Uint8Array {
  const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: DOMAIN }))];
  if (violations.length > 0 && told === undefined) details.push(anyPack(BadRequestSchema, badRequestOf(violations)));
  if (requestId !== undefined) details.push(anyPack(RequestInfoSchema, create(RequestInfoSchema, { requestId })));
  return toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
}

function badRequestOf(violations: readonly FieldViolation[]): BadRequest {
  return create(BadRequestSchema, {
    fieldViolations: violations
      .slice(0, VIOLATIONS_MAX)
      .map(({ field, description }) => ({
        field: wellFormed(field, VIOLATION_LENGTH_MAX),
        description: wellFormed(description, VIOLATION_LENGTH_MAX),
      })),
  });
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
    for (const any of fromBinary(StatusSchema, bytes, { readUnknownFields: false }).details) readDetail(any, details);
  } catch {
    return { code: undefined, violations: [], requestId: undefined };
  }
  return details;
}

function readDetail(any: Any, details: Details): void {
  const info = anyUnpack(any, ErrorInfoSchema);
  if (info !== undefined && isThymeCode(info.reason)) details.code = info.reason;
  const request = anyUnpack(any, RequestInfoSchema);
  // It becomes a header.
  if (request !== undefined && /^[\w-]+$/.test(request.requestId) && request.requestId.length <= REQUEST_ID_LENGTH_MAX)
    details.requestId = request.requestId;
  for (const { field, description } of anyUnpack(any, BadRequestSchema)?.fieldViolations.slice(0, VIOLATIONS_MAX) ?? [])
    details.violations.push({ field, description });
}

function isThymeCode(text: string): text is `THYME_${string}` {
  return text.startsWith('THYME_');
}

/** Cut, and without halves of surrogate pairs, over which URI and protobuf encoding stumble. */
function wellFormed(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}
