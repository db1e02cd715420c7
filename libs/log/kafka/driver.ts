// What the log uses of kafkajs, typed: its connections, with TLS and SASL, and its encoding of small
// requests. The parts are internal to it and its version is pinned. Not used are its producer, its
// consumer and its retries: they hide a transaction's epoch, roll sequences back after an error, which
// can lose records, and filter aborted records wrongly. Producing and fetching is requests.ts.
import { createRequire } from 'node:module';
import type { SASLOptions } from 'kafkajs';
import type { ConnectionOptions } from 'node:tls';
import { loginOf } from './sasl.js';

export interface KafkaConnectOptions {
  /** `host:port` of one or more brokers; the rest is learned from them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly sasl?: SASLOptions;
  readonly ssl?: boolean | ConnectionOptions;
}

/** A broker of kafkajs: two connections, one of them for fetches, that come back when they are lost. */
export interface DriverBroker {
  /** By API key; there once it is connected. */
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number } | undefined>> | null;
  isConnected(): boolean;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  readonly connectionPool: DriverPool;
}

interface DriverPool {
  readonly pool: readonly DriverConnection[];
  send(request: DriverRequest): Promise<unknown>;
}

interface DriverConnection {
  connect: () => Promise<unknown>;
}

/** A request as kafkajs's connections take it. */
export interface DriverRequest {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: { readonly decode: (bytes: Buffer) => Promise<unknown>; readonly parse: (decoded: unknown) => Promise<unknown> };
  readonly requestTimeout?: number | null;
}

export const API_KEYS = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  GroupCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  DescribeGroups: 15,
  CreateTopics: 19,
  DeleteRecords: 21,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  EndTxn: 26,
  DescribeConfigs: 32,
  DescribeProducers: 61,
  DescribeTransactions: 65,
} as const;

/** Requests that kafkajs encodes; the others are requests.ts and hanging.ts. */
export type ApiName = Exclude<keyof typeof API_KEYS, 'Produce' | 'Fetch' | 'DescribeProducers' | 'DescribeTransactions'>;

/** Longer than the broker's own wait for replicas: its answer is worth more than our guess. */
export const REQUEST_MS_MAX = 15_000;
const CONNECT_MS_MAX = 3_000;

type Definition = {
  readonly versions: readonly string[];
  readonly protocol: (options: { version: number }) => (values: object) => DriverRequest;
};

// The internals have no types of their own; what is used of them is stated here and nowhere else.
const load = createRequire(import.meta.url);
const Broker = load('kafkajs/src/broker') as new (options: object) => DriverBroker;
const connectionPoolBuilder = load('kafkajs/src/cluster/connectionPoolBuilder') as (options: object) => {
  build(target: { host: string; port: number }): Promise<DriverPool>;
};
const { requests, lookup } = load('kafkajs/src/protocol/requests') as {
  readonly requests: Readonly<Record<ApiName, Definition>>;
  readonly lookup: (versions: object) => (apiKey: number, definition: Definition) => (values: object) => DriverRequest;
};
const { createLogger, LEVELS } = load('kafkajs/src/loggers') as {
  readonly createLogger: (options: object) => object;
  readonly LEVELS: { readonly NOTHING: number };
};
const socketFactory = load('kafkajs/src/network/socketFactory') as () => unknown;
const { errorCodes } = load('kafkajs/src/protocol/error') as {
  readonly errorCodes: readonly { readonly code: number; readonly type: string; readonly message: string }[];
};

/** Every failure reaches the caller as an error, so kafkajs has nothing to log. */
const silent = createLogger({ level: LEVELS.NOTHING, logCreator: () => () => undefined });

/** Makes brokers that share how they connect. */
export function brokerFactory({
  brokers,
  clientId,
  sasl,
  ssl,
}: KafkaConnectOptions): (target: { host: string; port: number; nodeId: number | null }) => Promise<DriverBroker> {
  const pools = connectionPoolBuilder({
    brokers,
    clientId,
    sasl: sasl === undefined ? undefined : loginOf(sasl),
    ssl,
    logger: silent,
    socketFactory: socketFactory(),
    requestTimeout: REQUEST_MS_MAX,
    enforceRequestTimeout: true,
    connectionTimeout: CONNECT_MS_MAX,
    maxInFlightRequests: null,
    reauthenticationThreshold: 10_000,
  });
  return async ({ host, port, nodeId }) => {
    const connectionPool = await pools.build({ host, port });
    for (const connection of connectionPool.pool) connectOnce(connection);
    return new Broker({ connectionPool, logger: silent, nodeId, authenticationTimeout: 10_000, allowAutoTopicCreation: false });
  };
}

/** Two requests that find a connection closed would open two sockets, of which one is never closed. */
function connectOnce(connection: DriverConnection): void {
  const connect = connection.connect.bind(connection);
  let connecting: Promise<unknown> | undefined;
  connection.connect = () => (connecting ??= connect().finally(() => (connecting = undefined)));
}

/** Resolves when the broker's versions are known; a broker that hangs up before that is as good as absent. */
export async function connectBroker(broker: DriverBroker): Promise<void> {
  await broker.connect();
  if (broker.versions !== null) return;
  // Its socket was opened by another caller, whose question for the versions failed.
  await broker.disconnect();
  await broker.connect();
}

/** Sends a request that kafkajs encodes, in the newest version that both sides know; errors in the answer are the caller's to see. */
export async function callBroker(broker: DriverBroker, api: ApiName, values: object, requestTimeout = REQUEST_MS_MAX): Promise<unknown> {
  const { request, response } = lookup(broker.versions ?? {})(API_KEYS[api], requests[api])(values);
  return broker.connectionPool.send({
    request,
    response: { decode: (bytes) => response.decode(bytes), parse: (decoded) => Promise.resolve(decoded) },
    requestTimeout,
  });
}

/** Kafka's name and explanation of an error code. */
export function describeCode(code: number): { readonly type: string; readonly message: string } {
  return errorCodes.find((known) => known.code === code) ?? { type: `ERROR_${code}`, message: `Kafka's error ${code}` };
}
