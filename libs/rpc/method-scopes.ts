import type { DescService } from '@bufbuild/protobuf';
import { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import { QueryService } from '../../gen/thyme/v1/query_pb.js';
import { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { StateService } from '../../gen/thyme/v1/state_pb.js';
import type { RequiredScope } from '../config/api-keys.js';
import { methodPath } from './service-definition.js';

/**
 * The scope of each method by its full path. Each table must name every method of its service, or it
 * does not compile; a method that is in none is refused (DESIGN 11).
 */
export const METHOD_SCOPES: ReadonlyMap<string, RequiredScope> = new Map([
  ...scopes(RegistryService, { plan: 'read', commit: 'admin', get: 'read', list: 'read', watch: 'read' }),
  ...scopes(IngestService, {
    log: 'write',
    logStream: 'write',
    erase: 'admin',
    getErasure: 'admin',
    listDeadLetters: 'admin',
    listNewestRecords: 'admin',
    listLateRecords: 'admin',
    pushDeadLetter: 'admin',
    listIntakes: 'read',
    listSources: 'read',
    testSource: 'admin',
    setSourcePaused: 'admin',
    resetSource: 'admin',
  }),
  ...scopes(AggregatorService, { listJobs: 'read' }),
  ...scopes(ReplicationService, { subscribe: 'internal', snapshot: 'internal' }),
  ...scopes(StateService, { get: 'internal', scan: 'internal', digest: 'internal' }),
  ...scopes(KeyService, { createKey: 'admin', listKeys: 'admin', revokeKey: 'admin', watchKeys: 'internal' }),
  ...scopes(QueryService, {
    query: 'read',
    queryBatch: 'read',
    queryBatchStream: 'read',
    queryOffline: 'read',
    lookup: 'read',
    lookupOverTime: 'read',
    listRows: 'read',
    listEntities: 'read',
    listQueryRuns: 'read',
    getQueryRun: 'read',
    replayQueryRun: 'read',
    listPartitions: 'read',
  }),
  // Answered to probes and tools, which hold no key: neither tells more than the published .proto files.
  ['/grpc.health.v1.Health/Check', 'public'],
  ['/grpc.health.v1.Health/Watch', 'public'],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', 'public'],
  ['/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', 'public'],
]);

function scopes<Service extends DescService>(
  service: Service,
  table: Readonly<Record<keyof Service['method'], RequiredScope>>,
): [string, RequiredScope][] {
  const byName = new Map<string, RequiredScope>(Object.entries(table));
  return service.methods.flatMap((method) => {
    const scope = byName.get(method.localName);
    return scope === undefined ? [] : [[methodPath(method), scope]];
  });
}
