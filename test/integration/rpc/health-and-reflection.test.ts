import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { expect } from 'chai';
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../../gen/grpc/health/v1/health_pb.js';
import { ServerReflection } from '../../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { QueryService } from '../../../gen/thyme/v1/query_pb.js';
import { RegistryService } from '../../../gen/thyme/v1/registry_pb.js';
import { createClient, openChannel, type RpcChannel } from '../../../libs/rpc/client.js';
import { HealthRegister } from '../../../libs/rpc/health.js';
import { addReflection } from '../../../libs/rpc/reflection.js';
import { createRpcServer, type RpcServer } from '../../../libs/rpc/server.js';
import { createLogger } from '../../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../../libs/telemetry/metrics.js';
import { systemClock } from '../../../libs/time/clock.js';
import { authorizeByKeys } from '../../support/test-keys.js';

describe('gRPC health and reflection', () => {
  let server: RpcServer;
  let channel: RpcChannel;
  let health: HealthRegister;
  const live = { signal: new AbortController().signal };

  beforeEach(async () => {
    const logger = createLogger({ level: 'info', clock: systemClock, write: () => undefined });
    // With keys, and none sent: probes and tools need none.
    server = createRpcServer({
      host: '127.0.0.1',
      port: 0,
      authorize: authorizeByKeys([]),
      logger,
      metrics: new MetricsRegistry(),
      clock: systemClock,
    });
    health = new HealthRegister();
    server.add(Health, health.handlers(), { endless: ['watch'] });
    addReflection(server, [Health, QueryService, RegistryService]);
    await server.start();
    channel = openChannel({ target: `127.0.0.1:${server.port}` });
  });

  afterEach(async () => {
    channel.close();
    await server.stop({ graceMs: 1_000 });
  });

  it('tell whether the process and its services can answer', async () => {
    const client = createClient(Health, channel);
    const check = async (service: string) => (await client.check(create(HealthCheckRequestSchema, { service }), live)).status;
    expect(await check('')).to.equal(ServingStatus.NOT_SERVING);
    health.set('', 'serving');
    health.set('thyme.v1.QueryService', 'not serving');
    expect([await check(''), await check('thyme.v1.QueryService')]).to.deep.equal([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    const unknown = await Promise.resolve(client.check(create(HealthCheckRequestSchema, { service: 'nothing' }), live)).catch(
      (error: unknown) => error,
    );
    expect(unknown).to.include({ status: 'NOT_FOUND' });
  });

  it('tell each change to those who watch', async () => {
    const seen: number[] = [];
    for await (const { status } of createClient(Health, channel).watch(create(HealthCheckRequestSchema, { service: 'late' }), live)) {
      seen.push(status);
      if (seen.length === 1) health.set('late', 'not serving');
      if (seen.length === 2) health.set('late', 'serving');
      if (seen.length === 3) break;
    }
    expect(seen).to.deep.equal([ServingStatus.SERVICE_UNKNOWN, ServingStatus.NOT_SERVING, ServingStatus.SERVING]);
  });

  it('has the field numbers of the published protocol', () => {
    expect([...toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service: 'a' }))]).to.deep.equal([0x0a, 1, 0x61]);
    const { input, output } = ServerReflection.method.serverReflectionInfo;
    expect(input.fields.map((field) => `${field.name}=${field.number}`).join(' ')).to.equal(
      'host=1 file_by_filename=3 file_containing_symbol=4 file_containing_extension=5 all_extension_numbers_of_type=6 list_services=7',
    );
    expect(output.fields.map((field) => `${field.name}=${field.number}`).join(' ')).to.equal(
      'valid_host=1 original_request=2 file_descriptor_response=4 all_extension_numbers_response=5 list_services_response=6 error_response=7',
    );
  });

  // The messages of both are alike, but for the names of their packages.
  for (const service of [ServerReflection, ServerReflectionAlpha as unknown as typeof ServerReflection]) {
    it(`lists services and gives their files (${service.typeName})`, async () => {
      const client = createClient(service, channel);
      const input = service.method.serverReflectionInfo.input;
      async function* questions() {
        yield create(input, { messageRequest: { case: 'listServices', value: '' } });
        yield create(input, { messageRequest: { case: 'fileContainingSymbol', value: 'thyme.v1.QueryService' } });
        yield create(input, { messageRequest: { case: 'fileContainingSymbol', value: 'thyme.v1.QueryService.Query' } });
        yield create(input, { messageRequest: { case: 'fileByFilename', value: 'thyme/v1/values.proto' } });
        yield create(input, { messageRequest: { case: 'fileContainingSymbol', value: 'google.rpc.ErrorInfo' } });
        yield create(input, { messageRequest: { case: 'fileByFilename', value: '../../etc/passwd' } });
      }
      const answers: unknown[] = [];
      for await (const { messageResponse } of client.serverReflectionInfo(questions(), live)) {
        if (messageResponse.case === 'listServicesResponse') answers.push(messageResponse.value.service.map(({ name }) => name));
        else if (messageResponse.case === 'fileDescriptorResponse')
          answers.push(messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name));
        else answers.push(messageResponse.case);
      }
      // Each file stands before those that it imports.
      const query = ['thyme/v1/query.proto', 'thyme/v1/values.proto', 'thyme/v1/timing.proto', 'google/protobuf/timestamp.proto'];
      expect(answers).to.deep.equal([
        [
          'grpc.health.v1.Health',
          'thyme.v1.QueryService',
          'thyme.v1.RegistryService',
          'grpc.reflection.v1.ServerReflection',
          'grpc.reflection.v1alpha.ServerReflection',
        ],
        query,
        query,
        ['thyme/v1/values.proto', 'google/protobuf/timestamp.proto'],
        ['google/rpc/error_details.proto'],
        'errorResponse',
      ]);
    });
  }
});
