import { base64Encode } from '@bufbuild/protobuf/wire';
import { create, toBinary, type MessageInitShape, type Message } from '@bufbuild/protobuf';
import { fileDesc, messageDesc, serviceDesc, type GenMessage, type GenService } from '@bufbuild/protobuf/codegenv2';
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type, FileDescriptorProtoSchema, type DescriptorProtoSchema, type FieldDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

// Two protocols of the gRPC project, health checking and server reflection, as descriptors built in
// code: their few messages are fixed for good, and so are the field numbers below.

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;
type MessageInit = MessageInitShape<typeof DescriptorProtoSchema>;

export type HealthCheckRequest = Message<'grpc.health.v1.HealthCheckRequest'> & { service: string };
export type HealthCheckResponse = Message<'grpc.health.v1.HealthCheckResponse'> & { status: ServingStatus };

/** grpc.health.v1.HealthCheckResponse.ServingStatus */
export const SERVING_STATUS = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
export type ServingStatus = (typeof SERVING_STATUS)[keyof typeof SERVING_STATUS];

const healthFile = fileDesc(
  encodeFile({
    name: 'grpc/health/v1/health.proto',
    package: 'grpc.health.v1',
    syntax: 'proto3',
    messageType: [
      { name: 'HealthCheckRequest', field: [text('service', 1)] },
      {
        name: 'HealthCheckResponse',
        field: [{ name: 'status', jsonName: 'status', number: 1, label: Label.OPTIONAL, type: Type.ENUM, typeName: '.grpc.health.v1.HealthCheckResponse.ServingStatus' }],
        enumType: [{ name: 'ServingStatus', value: Object.entries(SERVING_STATUS).map(([name, number]) => ({ name, number })) }],
      },
    ],
    service: [
      {
        name: 'Health',
        method: [
          { name: 'Check', inputType: '.grpc.health.v1.HealthCheckRequest', outputType: '.grpc.health.v1.HealthCheckResponse' },
          { name: 'Watch', inputType: '.grpc.health.v1.HealthCheckRequest', outputType: '.grpc.health.v1.HealthCheckResponse', serverStreaming: true },
        ],
      },
    ],
  }),
);

export const HealthCheckRequestSchema: GenMessage<HealthCheckRequest> = messageDesc(healthFile, 0);
export const HealthCheckResponseSchema: GenMessage<HealthCheckResponse> = messageDesc(healthFile, 1);
export const Health: GenService<{
  check: { methodKind: 'unary'; input: typeof HealthCheckRequestSchema; output: typeof HealthCheckResponseSchema };
  watch: { methodKind: 'server_streaming'; input: typeof HealthCheckRequestSchema; output: typeof HealthCheckResponseSchema };
}> = serviceDesc(healthFile, 0);

export type ServerReflectionRequest = Message<'grpc.reflection.v1.ServerReflectionRequest'> & {
  host: string;
  messageRequest:
    | { case: 'fileByFilename'; value: string }
    | { case: 'fileContainingSymbol'; value: string }
    | { case: 'fileContainingExtension'; value: ExtensionRequest }
    | { case: 'allExtensionNumbersOfType'; value: string }
    | { case: 'listServices'; value: string }
    | { case: undefined; value?: undefined };
};
export type ExtensionRequest = Message<'grpc.reflection.v1.ExtensionRequest'> & { containingType: string; extensionNumber: number };
export type ServerReflectionResponse = Message<'grpc.reflection.v1.ServerReflectionResponse'> & {
  validHost: string;
  originalRequest?: ServerReflectionRequest | undefined;
  messageResponse:
    | { case: 'fileDescriptorResponse'; value: Message<'grpc.reflection.v1.FileDescriptorResponse'> & { fileDescriptorProto: Uint8Array[] } }
    | { case: 'allExtensionNumbersResponse'; value: Message<'grpc.reflection.v1.ExtensionNumberResponse'> & { baseTypeName: string; extensionNumber: number[] } }
    | { case: 'listServicesResponse'; value: Message<'grpc.reflection.v1.ListServiceResponse'> & { service: (Message<'grpc.reflection.v1.ServiceResponse'> & { name: string })[] } }
    | { case: 'errorResponse'; value: Message<'grpc.reflection.v1.ErrorResponse'> & { errorCode: number; errorMessage: string } }
    | { case: undefined; value?: undefined };
};

type ReflectionService = GenService<{
  serverReflectionInfo: { methodKind: 'bidi_streaming'; input: GenMessage<ServerReflectionRequest>; output: GenMessage<ServerReflectionResponse> };
}>;

/** The same protocol under two names: tools of before 2023 know only v1alpha. */
export const ServerReflectionV1 = reflectionOf('grpc.reflection.v1');
export const ServerReflectionV1Alpha = reflectionOf('grpc.reflection.v1alpha');

function reflectionOf(packageName: 'grpc.reflection.v1' | 'grpc.reflection.v1alpha'): { readonly service: ReflectionService; readonly response: GenMessage<ServerReflectionResponse> } {
  const reference = (name: string, number: number, typeName: string): FieldInit => ({ name, jsonName: camelCase(name), number, label: Label.OPTIONAL, type: Type.MESSAGE, typeName: `.${packageName}.${typeName}` });
  const repeated = (field: FieldInit): FieldInit => ({ ...field, label: Label.REPEATED });
  const inOneof = (fields: FieldInit[]): FieldInit[] => fields.map((field) => ({ ...field, oneofIndex: 0 }));
  const messages: MessageInit[] = [
    {
      name: 'ServerReflectionRequest',
      field: [
        text('host', 1),
        ...inOneof([text('file_by_filename', 3), text('file_containing_symbol', 4), reference('file_containing_extension', 5, 'ExtensionRequest'), text('all_extension_numbers_of_type', 6), text('list_services', 7)]),
      ],
      oneofDecl: [{ name: 'message_request' }],
    },
    { name: 'ExtensionRequest', field: [text('containing_type', 1), int32('extension_number', 2)] },
    {
      name: 'ServerReflectionResponse',
      field: [
        text('valid_host', 1),
        reference('original_request', 2, 'ServerReflectionRequest'),
        ...inOneof([
          reference('file_descriptor_response', 4, 'FileDescriptorResponse'),
          reference('all_extension_numbers_response', 5, 'ExtensionNumberResponse'),
          reference('list_services_response', 6, 'ListServiceResponse'),
          reference('error_response', 7, 'ErrorResponse'),
        ]),
      ],
      oneofDecl: [{ name: 'message_response' }],
    },
    { name: 'FileDescriptorResponse', field: [repeated({ ...text('file_descriptor_proto', 1), type: Type.BYTES })] },
    { name: 'ExtensionNumberResponse', field: [text('base_type_name', 1), repeated(int32('extension_number', 2))] },
    { name: 'ListServiceResponse', field: [repeated(reference('service', 1, 'ServiceResponse'))] },
    { name: 'ServiceResponse', field: [text('name', 1)] },
    { name: 'ErrorResponse', field: [int32('error_code', 1), text('error_message', 2)] },
  ];
  const method = { name: 'ServerReflectionInfo', inputType: `.${packageName}.ServerReflectionRequest`, outputType: `.${packageName}.ServerReflectionResponse`, clientStreaming: true, serverStreaming: true };
  const file = fileDesc(encodeFile({ name: `${packageName.replaceAll('.', '/')}/reflection.proto`, package: packageName, syntax: 'proto3', messageType: messages, service: [{ name: 'ServerReflection', method: [method] }] }));
  return { service: serviceDesc(file, 0), response: messageDesc(file, 2) };
}

function text(name: string, number: number): FieldInit {
  return { name, jsonName: camelCase(name), number, label: Label.OPTIONAL, type: Type.STRING };
}

function int32(name: string, number: number): FieldInit {
  return { name, jsonName: camelCase(name), number, label: Label.OPTIONAL, type: Type.INT32 };
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** The form in which the generated code keeps its files too. */
function encodeFile(file: MessageInitShape<typeof FileDescriptorProtoSchema>): string {
  return base64Encode(toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, file)), 'std_raw');
}
