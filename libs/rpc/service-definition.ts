import { fromBinary, toBinary, type DescMessage, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import { invalidArgument, type ThymeError } from '../errors/errors.js';

/** A service of the generated code as grpc-js wants it, by the generated method names. */
export function serviceDefinition(service: DescService): Readonly<Record<string, MethodDefinition<Message, Message>>> {
  return Object.fromEntries(service.methods.map((method) => [method.localName, methodDefinition(method)]));
}

export function methodDefinition(method: DescMethod): MethodDefinition<Message, Message> {
  const { input, output, methodKind } = method;
  return {
    path: methodPath(method),
    originalName: method.localName,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (request) => encode(input, request),
    requestDeserialize: (bytes) => decode(input, bytes),
    responseSerialize: (response) => encode(output, response),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

/** `/thyme.v1.QueryService/Query` */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
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

function decode(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    const malformed: unknown = new MalformedRequest(invalidArgument('request', `is no ${schema.typeName}: ${error instanceof Error ? error.message : 'malformed'}`));
    return malformed as Message; // server-call.ts lets no handler see it
  }
}

function encode(schema: DescMessage, message: Message): Buffer {
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength); // a view: grpc-js wants a Buffer, not a copy
}
