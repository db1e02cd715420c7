import type { DescService } from '@bufbuild/protobuf';
import { Health } from '../../gen/grpc/health/v1/health_pb.js';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import { QueryService } from '../../gen/thyme/v1/query_pb.js';
import { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { StateService } from '../../gen/thyme/v1/state_pb.js';
import { methodPath } from './service-definition.js';

/** What one method may cost the process. */
export interface MethodLimits {
  /** Bytes of one request message: judged by its announced length, before any of it is kept. */
  readonly messageBytesMax: number;
  /** Messages and list elements in one request, at all depths: judged on the wire, before any of them is made. */
  readonly elementsMax: number;
  /** How long a call may take from its arrival; a client may ask for less. */
  readonly timeoutMs: number;
  /** Calls open in this process at a time. */
  readonly callsMax: number;
}

const KIB = 1_024;
const MIB = 1_024 * KIB;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A push is at most 32 MiB (REST 10); the message around it needs a little more. */
export const MESSAGE_BYTES_MAX = 33 * MIB;

/** A name, a number, a cursor. */
const SMALL: MethodLimits = { messageBytesMax: 4 * KIB, elementsMax: 100, timeoutMs: 30 * SECOND, callsMax: 1_024 };
/** Streams that last as long as both ends do. Connections are closed before that, at their age of 35 minutes (server.ts). */
const ENDLESS: MethodLimits = { ...SMALL, timeoutMs: 60 * MINUTE, callsMax: 256 };
/** One entity with its inputs; a token names every partition. */
const ONE_ENTITY: MethodLimits = { messageBytesMax: MIB, elementsMax: 10_000, timeoutMs: 30 * SECOND, callsMax: 4_096 };
/** A module of a thousand datasets of ten fields has some 100,000 elements; most of a commit's bytes are its bundle. */
const DEFINITIONS: MethodLimits = { messageBytesMax: 4 * MIB, elementsMax: 250_000, timeoutMs: MINUTE, callsMax: 16 };
/** 100,000 keys of up to eight fields, each an entity with its values. */
const MANY_ENTITIES: MethodLimits = { messageBytesMax: MESSAGE_BYTES_MAX, elementsMax: 2_000_000, timeoutMs: 2 * MINUTE, callsMax: 128 };
/** 10,000 questions a message; a training set streams for as long as its REST route allows. */
const TRAINING_SET: MethodLimits = { messageBytesMax: MESSAGE_BYTES_MAX, elementsMax: 500_000, timeoutMs: 10 * MINUTE, callsMax: 64 };
/** 100,000 records of some twenty fields. */
const PUSH: MethodLimits = { messageBytesMax: MESSAGE_BYTES_MAX, elementsMax: 2_000_000, timeoutMs: 2 * MINUTE, callsMax: 512 };
const STATE: MethodLimits = { messageBytesMax: 64 * KIB, elementsMax: 100, timeoutMs: 2 * MINUTE, callsMax: 64 };

/**
 * The limits of each method by its full path. Each table must name every method of its service, or it does not compile;
 * a method that is in none cannot be registered (G1).
 */
export const METHOD_LIMITS: ReadonlyMap<string, MethodLimits> = new Map([
  ...limits(RegistryService, { plan: DEFINITIONS, commit: DEFINITIONS, get: SMALL, list: SMALL, watch: ENDLESS }),
  ...limits(IngestService, {
    log: PUSH,
    logStream: { ...PUSH, timeoutMs: 60 * MINUTE },
    // 1,000 keys of a KiB.
    erase: { messageBytesMax: 2 * MIB, elementsMax: 20_000, timeoutMs: MINUTE, callsMax: 16 },
    getErasure: SMALL,
    // A cursor names each partition; letters are read from the log.
    listDeadLetters: { messageBytesMax: 64 * KIB, elementsMax: 100, timeoutMs: MINUTE, callsMax: 16 },
    listNewestRecords: { ...SMALL, callsMax: 16 },
    // Each call reads a stretch of the log.
    listLateRecords: { ...ONE_ENTITY, messageBytesMax: 64 * KIB, elementsMax: 100, timeoutMs: MINUTE, callsMax: 4 },
    pushDeadLetter: { messageBytesMax: 2 * MIB, elementsMax: 100, timeoutMs: MINUTE, callsMax: 64 },
    listIntakes: SMALL,
    listSources: SMALL,
    testSource: { ...SMALL, timeoutMs: MINUTE, callsMax: 16 },
    setSourcePaused: SMALL,
    resetSource: SMALL,
  }),
  ...limits(KeyService, { createKey: SMALL, listKeys: { ...SMALL, callsMax: 64 }, revokeKey: SMALL, watchKeys: ENDLESS }),
  ...limits(AggregatorService, { listJobs: SMALL }),
  ...limits(ReplicationService, { subscribe: ENDLESS, snapshot: { ...SMALL, timeoutMs: 60 * MINUTE, callsMax: 16 } }),
  ...limits(StateService, { get: STATE, scan: STATE, digest: STATE }),
  ...limits(QueryService, {
    query: ONE_ENTITY,
    queryBatch: MANY_ENTITIES,
    queryBatchStream: MANY_ENTITIES,
    queryOffline: TRAINING_SET,
    lookup: ONE_ENTITY,
    // A list of 256 instants.
    lookupOverTime: { ...ONE_ENTITY, elementsMax: 1_000, callsMax: 128 },
    listRows: { ...ONE_ENTITY, callsMax: 128 },
    // A page reads up to 10,000 groups.
    listEntities: { ...SMALL, timeoutMs: MINUTE, callsMax: 16 },
    listQueryRuns: { ...SMALL, callsMax: 64 },
    getQueryRun: SMALL,
    replayQueryRun: { ...SMALL, timeoutMs: 2 * MINUTE, callsMax: 64 },
    listPartitions: SMALL,
  }),
  ...limits(Health, { check: SMALL, watch: ENDLESS }),
  ...limits(ServerReflection, { serverReflectionInfo: { ...SMALL, timeoutMs: 5 * MINUTE, callsMax: 64 } }),
  ...limits(ServerReflectionAlpha, { serverReflectionInfo: { ...SMALL, timeoutMs: 5 * MINUTE, callsMax: 64 } }),
]);

function limits<Service extends DescService>(
  service: Service,
  table: Readonly<Record<keyof Service['method'], MethodLimits>>,
): [string, MethodLimits][] {
  const byName = new Map<string, MethodLimits>(Object.entries(table));
  return service.methods.flatMap((method) => {
    const found = byName.get(method.localName);
    return found === undefined ? [] : [[methodPath(method), found]];
  });
}
