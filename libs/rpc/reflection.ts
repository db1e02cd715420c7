import { create, createRegistry, toBinary, type DescFile, type DescService, type Registry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import {
  ServerReflection,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../../gen/grpc/reflection/v1/reflection_pb.js';
import {
  ServerReflection as ServerReflectionAlpha,
  ServerReflectionResponseSchema as AlphaResponseSchema,
  type ServerReflectionRequest as AlphaRequest,
  type ServerReflectionResponse as AlphaResponse,
} from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.js';
import type { RpcServer } from './server.js';

/** The part of an answer that both versions write alike. */
type Answer =
  | { readonly case: 'listServicesResponse'; readonly value: { readonly service: { readonly name: string }[] } }
  | { readonly case: 'fileDescriptorResponse'; readonly value: { readonly fileDescriptorProto: Uint8Array[] } }
  | { readonly case: 'allExtensionNumbersResponse'; readonly value: { readonly baseTypeName: string } }
  | { readonly case: 'errorResponse'; readonly value: { readonly errorCode: number; readonly errorMessage: string } };

/** Lets tools such as grpcurl list and call the given services, in v1 and, for tools of before 2023, in v1alpha. */
export function addReflection(server: RpcServer, services: readonly DescService[]): void {
  const index = new DescriptorIndex([...services, ServerReflection, ServerReflectionAlpha]);
  const endless = { endless: ['serverReflectionInfo'] as const };
  server.add(
    ServerReflection,
    {
      async *serverReflectionInfo(requests): AsyncIterable<ServerReflectionResponse> {
        for await (const request of requests)
          yield create(ServerReflectionResponseSchema, {
            validHost: request.host,
            originalRequest: request,
            messageResponse: index.answer(request),
          });
      },
    },
    endless,
  );
  server.add(
    ServerReflectionAlpha,
    {
      async *serverReflectionInfo(requests): AsyncIterable<AlphaResponse> {
        for await (const request of requests)
          yield create(AlphaResponseSchema, { validHost: request.host, originalRequest: request, messageResponse: index.answer(request) });
      },
    },
    endless,
  );
}

/** The files of some services and all that these import. */
class DescriptorIndex {
  readonly #services: readonly DescService[];
  readonly #files = new Map<string, DescFile>();
  readonly #types: Registry;

  constructor(services: readonly DescService[]) {
    this.#services = services;
    for (const service of services) this.#addWithImports(service.file);
    // No method names what errors carry, and tools show a detail only where they can look it up.
    this.#addWithImports(file_google_rpc_error_details);
    this.#types = createRegistry(...this.#files.values());
  }

  answer({ messageRequest }: ServerReflectionRequest | AlphaRequest): Answer {
    switch (messageRequest.case) {
      case 'listServices':
        return { case: 'listServicesResponse', value: { service: this.#services.map((service) => ({ name: service.typeName })) } };
      case 'fileByFilename':
        return this.#fileAnswer(this.#files.get(messageRequest.value));
      case 'fileContainingSymbol':
        return this.#fileAnswer(this.#fileOfSymbol(messageRequest.value));
      case 'allExtensionNumbersOfType':
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: messageRequest.value } };
      case 'fileContainingExtension':
      case undefined:
        return this.#fileAnswer(undefined); // our protos have no extensions
    }
  }

  #addWithImports(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    this.#files.set(file.proto.name, file);
    for (const imported of file.dependencies) this.#addWithImports(imported);
  }

  /** A type, a service, or a member of one, such as `thyme.v1.QueryService.Query`. */
  #fileOfSymbol(symbol: string): DescFile | undefined {
    const owner = symbol.slice(0, Math.max(0, symbol.lastIndexOf('.')));
    return (this.#types.get(symbol) ?? this.#types.get(owner))?.file;
  }

  #fileAnswer(file: DescFile | undefined): Answer {
    if (file === undefined) return { case: 'errorResponse', value: { errorCode: status.NOT_FOUND, errorMessage: 'not found' } };
    // With its imports, each behind all that import it: a client that keeps no cache then needs no further question, and none sorts.
    const files = new Set<DescFile>();
    collect(file, files);
    return {
      case: 'fileDescriptorResponse',
      value: { fileDescriptorProto: [...files].reverse().map((each) => toBinary(FileDescriptorProtoSchema, each.proto)) },
    };
  }
}

function collect(file: DescFile, into: Set<DescFile>): void {
  if (into.has(file)) return;
  for (const imported of file.dependencies) collect(imported, into);
  into.add(file);
}
