import { securityProperties, type KafkaSecurity, type SecurePorts } from './kafka-security.js';

export interface BrokerAddress {
  readonly nodeId: number;
  readonly port: number;
  readonly controllerPort: number;
}

/** Listeners of tests, beside the plain one. */
export interface MoreListeners {
  readonly secured?: SecuredListeners | undefined;
  /** What connects here is told the proxy's address, for all that follows. */
  readonly proxied?: { readonly port: number; readonly proxyPort: number } | undefined;
}

export interface SecuredListeners extends SecurePorts {
  readonly security: KafkaSecurity;
}

/**
 * The configuration of one broker that is a controller too. Small buffers and few threads: it shares a
 * laptop with the tests. What one broker needs of replication becomes three with three.
 */
export function serverProperties(
  own: BrokerAddress,
  all: readonly BrokerAddress[],
  logFolder: string,
  { secured, proxied }: MoreListeners = {},
): string {
  const more =
    secured === undefined
      ? ''
      : `,SASL://127.0.0.1:${secured.saslPort},TLS://127.0.0.1:${secured.tlsPort},MUTUAL://127.0.0.1:${secured.mutualPort}`;
  const behindProxy = (port: number | undefined): string => (port === undefined ? '' : `,PROXIED://127.0.0.1:${port}`);
  const replicas = all.length >= 3 ? 3 : 1;
  const inSync = replicas === 3 ? 2 : 1;
  return properties({
    'process.roles': 'broker,controller',
    'node.id': own.nodeId,
    'controller.quorum.voters': all.map(({ nodeId, controllerPort }) => `${nodeId}@127.0.0.1:${controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${own.port},CONTROLLER://127.0.0.1:${own.controllerPort}${more}${behindProxy(proxied?.port)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${own.port}${more}${behindProxy(proxied?.proxyPort)}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL,MUTUAL:SSL,PROXIED:PLAINTEXT',
    'log.dirs': logFolder,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000, // 6,000 otherwise: suites that kill owners would mostly wait for it
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1_000,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'log.cleaner.backoff.ms': 1_000,
    ...(secured === undefined ? {} : securityProperties(secured.security)),
  });
}

function properties(entries: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(entries)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
