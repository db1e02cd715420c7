import { create, createRegistry, toBinary, type DescFile, type DescService, type MessageInitShape, type Registry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import type { RpcServer } from './server.js';
import { ServerReflectionV1, ServerReflectionV1Alpha, type ServerReflectionRequest, type ServerReflectionResponse } from './standard-protos.js';

type Answer = NonNullable<Exclude<MessageInitShape<typeof ServerReflectionV1.response>, { $typeName: string }>['messageResponse']>;

/** Lets tools such as grpcurl list and call the given services, in v1 and v1alpha. */
export function addReflection(server: RpcServer, services: readonly DescService[]): void {
  for (const { service, response } of [ServerReflectionV1, ServerReflectionV1Alpha]) {
    const listed = [...services, ServerReflectionV1.service, ServerReflectionV1Alpha.service];
    const index = new DescriptorIndex(listed);
    server.add(
      service,
      {
        async *serverReflectionInfo(requests): AsyncIterable<ServerReflectionResponse> {
          for await (const request of requests) {
            yield create(response, { validHost: request.host, originalRequest: request, messageResponse: index.answer(request) });
          }
        },
      },
      { endless: ['serverReflectionInfo'] },
    );
  }
}

/** The files of some services and all that these import. */
class DescriptorIndex {
  readonly #services: readonly DescService[];
  readonly #files = new Map<string, DescFile>();
  readonly #types: Registry;

  constructor(services: readonly DescService[]) {
    this.#services = services;
    for (const service of services) this.#addWithImports(service.file);
    this.#types = createRegistry(...this.#files.values());
  }

  answer({ messageRequest }: ServerReflectionRequest): Answer {
    switch (messageRequest.case) {
      case 'listServices':
        return { case: 'listServicesResponse', value: { service: this.#services.map((service) => ({ name: service.typeName })) } };
      case 'fileByFilename':
        return this.#fileAnswer(this.#files.get(messageRequest.value));
      case 'fileContainingSymbol':
        return this.#fileAnswer(this.#fileOfSymbol(messageRequest.value));
      case 'allExtensionNumbersOfType':
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: messageRequest.value, extensionNumber: [] } };
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
    // With its imports: a client that keeps no cache then needs no further question.
    const files = new Set<DescFile>();
    collect(file, files);
    return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: [...files].map((each) => toBinary(FileDescriptorProtoSchema, each.proto)) } };
  }
}

function collect(file: DescFile, into: Set<DescFile>): void {
  if (into.has(file)) return;
  into.add(file);
  for (const imported of file.dependencies) collect(imported, into);
}
