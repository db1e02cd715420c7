import { execFileSync } from 'node:child_process';
import {
  createFileRegistry,
  fromBinary,
  fromJson,
  toJson,
  create,
  type DescMethod,
  type DescService,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { ThymeError } from '../../libs/errors/errors.js';
import { createClient, openChannel, type RpcChannel, type RpcChannelOptions } from '../../libs/rpc/client.js';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { run } from './http.js';

/** `InvalidArgument: entity: is missing`, for what grpcurl and the built-in client both say. */
export class RpcFailure extends Error {
  override readonly name = 'RpcFailure';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** A client that knows no proto file and asks the server's reflection: grpcurl where it is installed, else one of our own. */
export interface GrpcTool {
  readonly name: string;
  services(target: string): Promise<readonly string[]>;
  /** Calls `thyme.v1.Service/Method`; the answers as JSON. Rejects with RpcFailure. */
  call(target: string, method: string, request: JsonValue, apiKey?: string): Promise<readonly JsonValue[]>;
}

export function grpcTool(): GrpcTool {
  if (hasGrpcurl()) return grpcurl;
  process.stderr.write('    NOT TESTED: grpcurl, which is not installed; a client of our own asks the reflection instead\n');
  return builtIn;
}

function hasGrpcurl(): boolean {
  try {
    execFileSync('grpcurl', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const grpcurl: GrpcTool = {
  name: 'grpcurl',
  async services(target) {
    return (await run('grpcurl', ['-plaintext', target, 'list'])).trim().split('\n');
  },
  async call(target, method, request, apiKey) {
    const key = apiKey === undefined ? [] : ['-H', `authorization: Bearer ${apiKey}`];
    try {
      return jsonTexts(await run('grpcurl', ['-plaintext', ...key, '-emit-defaults', '-d', '@', target, method], JSON.stringify(request)));
    } catch (error) {
      const found = /Code: (\w+)\n\s+Message: ([^\n]*)/.exec(String(error));
      throw found === null ? error : new RpcFailure(found[1] ?? '', found[2] ?? '');
    }
  },
};

/** grpcurl prints one indented object after the other. */
function jsonTexts(output: string): readonly JsonValue[] {
  return output
    .split(/\n(?=\{)/)
    .filter((text) => text.trim() !== '')
    .map((text) => JSON.parse(text) as JsonValue);
}

const builtIn: GrpcTool = {
  name: 'built-in',
  services: (target) =>
    withChannel({ target }, async (channel) => {
      const answer = await reflect(channel, { case: 'listServices', value: '' });
      return answer.case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : [];
    }),
  call: (target, path, request, apiKey) =>
    withChannel({ target, ...(apiKey === undefined ? {} : { apiKey }) }, async (channel) => {
      const [serviceName = '', methodName = ''] = path.split('/');
      const service = await describe(channel, serviceName);
      const method = service.methods.find(({ name }) => name === methodName);
      if (method === undefined) throw new Error(`${serviceName} has no method ${methodName}`);
      return callGeneric(channel, service, method, request);
    }),
};

type Asked = { readonly case: 'listServices' | 'fileContainingSymbol'; readonly value: string };

async function reflect(channel: RpcChannel, messageRequest: Asked) {
  const request = create(ServerReflection.method.serverReflectionInfo.input, { messageRequest });
  const requests = (async function* () {
    yield request;
  })();
  for await (const { messageResponse } of createClient(ServerReflection, channel).serverReflectionInfo(requests, {
    signal: new AbortController().signal,
  }))
    return messageResponse;
  throw new Error('reflection gave no answer');
}

async function describe(channel: RpcChannel, name: string): Promise<DescService> {
  const answer = await reflect(channel, { case: 'fileContainingSymbol', value: name });
  if (answer.case !== 'fileDescriptorResponse') throw new Error(`reflection does not know ${name}`);
  const file = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes)).reverse(); // imports first
  const service = createFileRegistry(create(FileDescriptorSetSchema, { file })).getService(name);
  if (service === undefined) throw new Error(`reflection describes no ${name}`);
  return service;
}

type AnyCall = (request: unknown, context: { readonly signal: AbortSignal }) => Promise<Message> | AsyncIterable<Message>;

async function callGeneric(channel: RpcChannel, service: DescService, method: DescMethod, json: JsonValue): Promise<readonly JsonValue[]> {
  // The cast: which of the shapes it has is what the method's kind says.
  const call = (createClient(service, channel) as Readonly<Record<string, AnyCall>>)[method.localName];
  const message = fromJson(method.input, json);
  const takesStream = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
  const responses: JsonValue[] = [];
  try {
    const answer = call?.(
      takesStream
        ? (async function* () {
            yield message;
          })()
        : message,
      { signal: new AbortController().signal },
    );
    if (answer === undefined) throw new Error(`no such method: ${method.name}`);
    if (answer instanceof Promise) responses.push(toJson(method.output, await answer));
    else for await (const response of answer) responses.push(toJson(method.output, response));
  } catch (error) {
    if (!(error instanceof ThymeError)) throw error;
    throw new RpcFailure(
      error.status.toLowerCase().replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase()),
      error.message,
    );
  }
  return responses;
}

async function withChannel<T>(options: RpcChannelOptions, work: (channel: RpcChannel) => Promise<T>): Promise<T> {
  const channel = openChannel(options);
  try {
    return await work(channel);
  } finally {
    channel.close();
  }
}
