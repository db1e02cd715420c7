import { parseArgs } from 'node:util';
import { parseApiKeyEntries, type ApiKeyEntry } from '../libs/config/api-keys.js';
import { configError, createEnv, type Env } from '../libs/config/env.js';
import { assertSafeAddress } from '../libs/config/listen-address.js';
import { readTlsFiles, type TlsConfig } from '../libs/config/tls-files.js';
import type { LogLevel } from '../libs/telemetry/logger.js';

export const ROLES = ['registry', 'ingest', 'aggregator', 'store-replica', 'query', 'gateway'] as const;
export type Role = (typeof ROLES)[number];

/** The three that own the log; on LevelDB, one process is all of them (DESIGN 10). */
const OWNER_ROLES: readonly Role[] = ['registry', 'ingest', 'aggregator'];

export interface ServeConfig extends TlsConfig {
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
  readonly partitions: number;
  /** `host:port` of the log's owner, for a process that is not it. */
  readonly owner: string | undefined;
  /** `host:port` of the query service, for a gateway without one. */
  readonly query: string | undefined;
  readonly peerApiKey: string | undefined;
  readonly apiKeys: readonly ApiKeyEntry[];
  readonly logLevel: LogLevel;
  readonly drainGraceMs: number;
}

const PARTITIONS_MAX = 1_024;

/** Reads flags and environment once; flags win. An error names the one that is wrong. */
export function loadServeConfig(args: readonly string[], variables: Readonly<Record<string, string | undefined>>): ServeConfig {
  const { values } = parseArgs({
    args: [...args],
    options: {
      roles: { type: 'string', default: 'all' },
      'data-dir': { type: 'string' },
      partitions: { type: 'string' },
      owner: { type: 'string' },
      query: { type: 'string' },
      host: { type: 'string' },
      insecure: { type: 'boolean', default: false },
    },
  });
  const flags = { THYME_DATA_DIR: values['data-dir'], THYME_PARTITIONS: values.partitions, THYME_OWNER: values.owner, THYME_QUERY: values.query, THYME_HOST: values.host };
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const env = createEnv({ ...variables, ...given });
  const roles = readRoles(values.roles);
  const config = readConfig(env, roles);
  assertSafeAddress({ variable: 'THYME_HOST', host: config.host, hasTls: config.tls !== undefined, hasKeys: config.apiKeys.length > 0, insecure: values.insecure });
  return config;
}

function readConfig(env: Env, roles: ReadonlySet<Role>): ServeConfig {
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
    partitions: env.integer('THYME_PARTITIONS', { fallback: 1, min: 1, max: PARTITIONS_MAX }),
    owner: env.optional('THYME_OWNER'),
    query: env.optional('THYME_QUERY'),
    peerApiKey: env.optional('THYME_API_KEY'),
    apiKeys: parseApiKeyEntries(env.list('THYME_API_KEYS'), 'THYME_API_KEYS'),
    ...readTlsFiles(env),
    logLevel: env.oneOf('THYME_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], { fallback: 'info' }),
    drainGraceMs: env.integer('THYME_DRAIN_GRACE_MS', { fallback: 10_000, min: 0, max: 25_000 }),
  };
  checkPeers(config);
  return config;
}

function readRoles(text: string): ReadonlySet<Role> {
  if (text === 'all') return new Set(ROLES);
  const names = text.split(',').map((name) => name.trim());
  const roles = new Set(ROLES.filter((role) => names.includes(role)));
  const unknown = names.find((name) => !ROLES.some((role) => role === name));
  if (unknown !== undefined) throw configError('--roles', `'${unknown.slice(0, 64)}' is none of all, ${ROLES.join(', ')}`);
  const owned = OWNER_ROLES.filter((role) => roles.has(role));
  if (owned.length > 0 && owned.length < OWNER_ROLES.length) {
    throw configError('--roles', `on the LevelDB log, which one process owns, ${OWNER_ROLES.join(', ')} go together`);
  }
  return roles;
}

function checkPeers({ roles, owner, query }: ServeConfig): void {
  if (!roles.has('registry') && owner === undefined) throw configError('THYME_OWNER', 'must name host:port of the process with registry, ingest and aggregator');
  if (roles.has('gateway') && !roles.has('query') && query === undefined) throw configError('THYME_QUERY', 'must name host:port of the query service');
  for (const [variable, target] of [['THYME_OWNER', owner], ['THYME_QUERY', query]] as const) {
    // One that can never be reached would be waited for without end.
    if (target !== undefined && !/^([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(target)) throw configError(variable, `'${target.slice(0, 64)}' is not host:port`);
  }
}
