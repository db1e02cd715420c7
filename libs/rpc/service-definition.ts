import { fromBinary, toBinary, type DescMessage, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import { invalidArgument, ThymeError } from '../errors/errors.js';
import { exceedsElements } from './wire-elements.js';

/** Fields that this program does not know would be kept to be sent on, which nobody here does. */
const KNOWN_FIELDS = { readUnknownFields: false } as const;

const SCANNED_BYTES_MIN = 4_096;

/** A service of the generated code as grpc-js wants it, by the generated method names. Answers are bytes already (server-call.ts). */
export function serviceDefinition(
  service: DescService,
  elementsMax: (method: DescMethod) => number,
): Readonly<Record<string, MethodDefinition<Message, Buffer>>> {
  return Object.fromEntries(
    service.methods.map((method) => {
      const max = elementsMax(method);
      const definition: MethodDefinition<Message, Buffer> = {
        ...methodDefinition(method),
        requestDeserialize: (bytes) => decode(method.input, bytes, max),
        responseSerialize: (bytes) => bytes,
        responseDeserialize: (bytes) => bytes,
      };
      return [method.localName, definition];
    }),
  );
}

export function methodDefinition(method: DescMethod): MethodDefinition<Message, Message> {
  const { input, output, methodKind } = method;
  return {
    path: methodPath(method),
    originalName: method.localName,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (request) => encode(input, request),
    requestDeserialize: (bytes) => fromBinary(input, bytes, KNOWN_FIELDS),
    responseSerialize: (response) => encode(output, response),
    responseDeserialize: (bytes) => fromBinary(output, bytes, KNOWN_FIELDS),
  };
}

const PATHS = new WeakMap<DescMethod, string>();

/** `/thyme.v1.QueryService/Query` */
export function methodPath(method: DescMethod): string {
  let path = PATHS.get(method);
  if (path === undefined) PATHS.set(method, (path = `/${method.parent.typeName}/${method.name}`));
  return path;
}

/**
 * Stands in for a request whose bytes are none. Thrown from where they are decoded, grpc-js would call
 * it INTERNAL, an error of ours; `wellFormed` throws it where the handler would have read the request.
 */
class MalformedRequest {
  constructor(readonly error: ThymeError) {}
}

export function wellFormed(request: Message): Message {
  if (request instanceof MalformedRequest) throw request.error;
  return request;
}

function decode(schema: DescMessage, bytes: Uint8Array, elementsMax: number): Message {
  try {
    // What is smaller cannot hold enough to matter.
    if (bytes.length > SCANNED_BYTES_MIN && exceedsElements(schema, bytes, elementsMax)) return malformed(tooManyElements(elementsMax));
    return fromBinary(schema, bytes, KNOWN_FIELDS);
  } catch (error) {
    return malformed(invalidArgument('request', `is no ${schema.typeName}: ${error instanceof Error ? error.message : 'malformed'}`));
  }
}

function malformed(error: ThymeError): Message {
  const stand: unknown = new MalformedRequest(error);
  return stand as Message; // server-call.ts lets no handler see it
}

function tooManyElements(max: number): ThymeError {
  return new ThymeError(
    'THYME_TOO_MANY_ELEMENTS',
    'INVALID_ARGUMENT',
    `request: it holds more than ${max} messages and elements, or nests too deep: send several smaller ones`,
  );
}

export function encode(schema: DescMessage, message: Message): Buffer {
  return asBuffer(toBinary(schema, message));
}

/** A view: grpc-js wants a Buffer, not a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
