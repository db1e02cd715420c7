import { parseArgs } from 'node:util';
import { configError, createEnv, type Env } from '../../libs/config/env.js';
import { assertSafeAddress } from '../../libs/config/listen-address.js';
import { readTlsFiles, type TlsConfig } from '../../libs/config/tls-files.js';
import type { KafkaConnectOptions } from '../../libs/log/kafka/driver.js';
import { SESSION_MS } from '../../libs/log/kafka/kafka-membership.js';
import { readKafkaOptions } from '../../libs/log/kafka/options.js';
import type { LogLevel } from '../../libs/telemetry/logger.js';
import { parseDurationUs } from '../../libs/time/duration.js';
import { STEP_TIMEOUT_MS } from '../aggregator/step-watch.js';
import { checkPeerKey, readAccess, type AccessConfig } from './access-config.js';

export const ROLES = ['registry', 'ingest', 'aggregator', 'store-replica', 'query', 'gateway'] as const;
export type Role = (typeof ROLES)[number];

/** The three that work on the log; on LevelDB, one process is all of them (DESIGN 10). */
const OWNER_ROLES: readonly Role[] = ['registry', 'ingest', 'aggregator'];

export interface ServeConfig extends TlsConfig, AccessConfig {
  readonly roles: ReadonlySet<Role>;
  readonly deployment: string;
  readonly dataDir: string;
  readonly host: string;
  /** 0 for any free port, which the ready line tells. */
  readonly restPort: number;
  /** A second port with the same REST, where the published client reads; not served when taken. */
  readonly readPort: number | undefined;
  readonly grpcPort: number;
  /** `/health` and `/metrics` of a process without a gateway; not served when absent. */
  readonly metricsPort: number | undefined;
  /** How many the deployment has; undefined where those that there are count. */
  readonly partitions: number | undefined;
  /** Those that this process's replicas follow; all of them when absent. */
  readonly holds: readonly number[] | undefined;
  /** Absent for the embedded log on LevelDB. */
  readonly kafka: KafkaConnectOptions | undefined;
  /** `host:port` at which others reach this process's gRPC; where it listens, when absent. */
  readonly advertise: string | undefined;
  /** `host:port` of a store replica, from whose snapshot an aggregator on Kafka fills a store that is empty. */
  readonly standby: string | undefined;
  /** `host:port` of processes with registry and ingest (and, on LevelDB, the aggregator), for a process without. */
  readonly owner: string | undefined;
  /** `host:port` of query services, for a gateway without one. */
  readonly query: readonly string[];
  readonly logLevel: LogLevel;
  readonly drainGraceMs: number;
  /** How long a function in a pipeline's steps may take before the process is ended for it (S23). */
  readonly stepTimeoutMs: number;
  /** An aggregator on Kafka that was not heard of for so long is given up, and its partitions are given to others. */
  readonly sessionTimeoutMs: number;
  /** What pipelines that read their history may read in a second and partition; undefined for no limit. */
  readonly backfillRecordsPerS: number | undefined;
  /** How long after an erasure its bytes may still be in files of the embedded log and of stores (S26). */
  readonly eraseWithinUs: number;
}

const PARTITIONS_MAX = 1_024;
/** Above a heartbeat a second; and well below the time that an owner which was fenced waits for the group's word (held-partitions.ts). */
const SESSION_MS_MIN = 2_000;
const SESSION_MS_MAX = 20_000;

/** Reads flags and environment once; flags win. An error names the one that is wrong. */
export function loadServeConfig(args: readonly string[], variables: Readonly<Record<string, string | undefined>>): ServeConfig {
  const { values } = parseArgs({
    args: [...args],
    options: {
      roles: { type: 'string', default: 'all' },
      'data-dir': { type: 'string' },
      partitions: { type: 'string' },
      log: { type: 'string' },
      brokers: { type: 'string' },
      advertise: { type: 'string' },
      standby: { type: 'string' },
      owner: { type: 'string' },
      query: { type: 'string' },
      host: { type: 'string' },
      keys: { type: 'string' },
      insecure: { type: 'boolean', default: false },
    },
  });
  const flags = {
    THYME_DATA_DIR: values['data-dir'],
    THYME_PARTITIONS: values.partitions,
    THYME_OWNER: values.owner,
    THYME_QUERY: values.query,
    THYME_HOST: values.host,
    THYME_KEYS: values.keys,
    THYME_LOG: values.log,
    THYME_KAFKA_BROKERS: values.brokers,
    THYME_ADVERTISE: values.advertise,
    THYME_STANDBY: values.standby,
  };
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const env = createEnv({ ...variables, ...given });
  const roles = readRoles(values.roles);
  const config = readConfig(env, roles, values.insecure);
  assertSafeAddress({
    variable: 'THYME_HOST',
    host: config.host,
    hasTls: config.tls !== undefined,
    hasKeys: config.keysRequired,
    insecure: values.insecure,
  });
  return config;
}

function readConfig(env: Env, roles: ReadonlySet<Role>, insecure: boolean): ServeConfig {
  const port = (name: string, fallback: number): number => env.integer(name, { fallback, min: 0, max: 65_535 });
  const restPort = port('THYME_REST_PORT', 8_080);
  const config: ServeConfig = {
    roles,
    deployment: env.text('THYME_DEPLOYMENT', { fallback: 'thyme' }),
    dataDir: env.text('THYME_DATA_DIR', { fallback: '.thyme-data' }),
    host: env.text('THYME_HOST', { fallback: '127.0.0.1' }),
    restPort,
    readPort: restPort === 8_080 ? 8_081 : undefined,
    grpcPort: port('THYME_GRPC_PORT', 50_051),
    metricsPort: env.optional('THYME_METRICS_PORT') === undefined ? undefined : port('THYME_METRICS_PORT', 0),
    ...readPartitions(env, roles),
    kafka: readKafka(env),
    advertise: env.optional('THYME_ADVERTISE'),
    standby: env.optional('THYME_STANDBY'),
    owner: env.optional('THYME_OWNER'),
    query: env.list('THYME_QUERY'),
    ...readTlsFiles(env),
    ...readAccess(env, insecure),
    logLevel: env.oneOf('THYME_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], { fallback: 'info' }),
    drainGraceMs: env.integer('THYME_DRAIN_GRACE_MS', { fallback: 10_000, min: 0, max: 25_000 }),
    stepTimeoutMs: env.integer('THYME_STEP_TIMEOUT_MS', { fallback: STEP_TIMEOUT_MS, min: 100, max: 3_600_000 }),
    sessionTimeoutMs: env.integer('THYME_SESSION_TIMEOUT_MS', { fallback: SESSION_MS, min: SESSION_MS_MIN, max: SESSION_MS_MAX }),
    backfillRecordsPerS: readBackfillRate(env),
    eraseWithinUs: readEraseWithin(env),
  };
  checkRoles(config);
  checkPeers(config);
  checkPeerKey(config, [config.owner, config.standby, ...config.query]);
  return config;
}

function readBackfillRate(env: Env): number | undefined {
  const name = 'THYME_BACKFILL_RECORDS_PER_S';
  return env.optional(name) === undefined ? undefined : env.integer(name, { fallback: 0, min: 1, max: 1_000_000_000 });
}

function readEraseWithin(env: Env): number {
  const text = env.text('THYME_ERASE_WITHIN', { fallback: '30d' });
  if (!/^\d{1,6}[smhdw]$/.test(text)) throw configError('THYME_ERASE_WITHIN', `'${text.slice(0, 32)}' is no duration, such as 30d or 1h`);
  return /^0+\w$/.test(text) ? 0 : parseDurationUs(text);
}

function readRoles(text: string): ReadonlySet<Role> {
  if (text === 'all') return new Set(ROLES);
  const names = text.split(',').map((name) => name.trim());
  const roles = new Set(ROLES.filter((role) => names.includes(role)));
  const unknown = names.find((name) => !ROLES.some((role) => role === name));
  if (unknown !== undefined) throw configError('--roles', `'${unknown.slice(0, 64)}' is none of all, ${ROLES.join(', ')}`);
  return roles;
}

/** A number counts the deployment's; `0-7` or `0,3,5-6` names those that a replica follows. */
function readPartitions(env: Env, roles: ReadonlySet<Role>): Pick<ServeConfig, 'partitions' | 'holds'> {
  const text = env.optional('THYME_PARTITIONS');
  if (text === undefined) return { partitions: undefined, holds: undefined };
  if (!/[-,]/.test(text))
    return { partitions: env.integer('THYME_PARTITIONS', { fallback: 1, min: 1, max: PARTITIONS_MAX }), holds: undefined };
  if (OWNER_ROLES.some((role) => roles.has(role)))
    throw configError(
      'THYME_PARTITIONS',
      `'${text.slice(0, 64)}' chooses partitions of a replica: for ${OWNER_ROLES.join(', ')} give their number, since the members share them out`,
    );
  const holds = new Set(text.split(',').flatMap((part) => partitionRange(part.trim())));
  return { partitions: undefined, holds: [...holds].sort((a, b) => a - b) };
}

function partitionRange(part: string): readonly number[] {
  const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from <= to && to < PARTITIONS_MAX))
    throw configError('THYME_PARTITIONS', `'${part.slice(0, 32)}' is no range of partitions, such as 0-7`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function readKafka(env: Env): KafkaConnectOptions | undefined {
  const kafka = readKafkaOptions(env, `thyme-${env.text('THYME_DEPLOYMENT', { fallback: 'thyme' })}`);
  const log = env.oneOf('THYME_LOG', ['level', 'kafka'], { fallback: kafka === undefined ? 'level' : 'kafka' });
  if (log === 'level') return undefined;
  if (kafka === undefined)
    throw configError('THYME_KAFKA_BROKERS', 'must name the brokers of the Kafka log, as in kafka-1:9092,kafka-2:9092');
  return kafka;
}

function checkRoles({ roles, kafka }: ServeConfig): void {
  const worked = OWNER_ROLES.filter((role) => roles.has(role));
  if (kafka === undefined && worked.length > 0 && worked.length < OWNER_ROLES.length) {
    throw configError('--roles', `on the LevelDB log, which one process owns, ${OWNER_ROLES.join(', ')} go together`);
  }
}

function checkPeers({ roles, kafka, owner, query, advertise, standby }: ServeConfig): void {
  const needsOwner = kafka === undefined ? !roles.has('registry') : roles.has('gateway') && !(roles.has('registry') && roles.has('ingest'));
  if (needsOwner && owner === undefined) throw configError('THYME_OWNER', 'must name host:port of a process with registry and ingest');
  if (roles.has('gateway') && !roles.has('query') && query.length === 0)
    throw configError('THYME_QUERY', 'must name host:port of the query service');
  const peers = [
    ['THYME_OWNER', owner],
    ['THYME_ADVERTISE', advertise],
    ['THYME_STANDBY', standby],
    ...query.map((target) => ['THYME_QUERY', target]),
  ] as const;
  for (const [variable = '', target] of peers) {
    // One that can never be reached would be waited for without end.
    if (target !== undefined && !/^([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(target))
      throw configError(variable, `'${target.slice(0, 64)}' is not host:port`);
  }
}
