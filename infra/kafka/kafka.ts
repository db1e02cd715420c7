// A real Kafka without Docker: for tests, and for trying the platform on it (`npm run kafka`).
//
//   kafka-jars.ts        - its jars, by Maven, kept in a cache folder
//   kafka-properties.ts  - its configuration
//   kafka-security.ts    - listeners with passwords and TLS
//   kafka-proxy.ts       - loses messages on their way
//   kafka-process.ts     - one broker
//   start.ts             - the command
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { freePorts } from '../local/free-ports.js';
import { kafkaJars, type KafkaVersion } from './kafka-jars.js';
import { KafkaProcess } from './kafka-process.js';
import { serverProperties, type MoreListeners, type SecuredListeners } from './kafka-properties.js';
import { KafkaProxy } from './kafka-proxy.js';
import { prepareSecurity, scramArguments, type KafkaSecurity } from './kafka-security.js';

export interface KafkaOptions {
  readonly version?: KafkaVersion;
  /** 1 or 3. */
  readonly brokers?: number;
  /** Kept when it is given; a temporary one is removed at the end. */
  readonly folder?: string;
  /** One broker, which listens with passwords and TLS as well. */
  readonly secured?: boolean;
  /** One broker, with a proxy before one of its listeners. */
  readonly proxied?: boolean;
  /** For benches: the brokers take their time to compile themselves well. */
  readonly longRunning?: boolean;
}

/** `host:port` of listeners that ask for a password, the second over TLS, and of one that asks for a certificate; what they take. */
export interface SecuredKafka extends Omit<KafkaSecurity, 'keyFile'> {
  readonly sasl: string;
  readonly tls: string;
  readonly mutual: string;
}

/** Clients that begin at this address stay behind the proxy. */
export interface ProxiedKafka {
  readonly address: string;
  readonly proxy: KafkaProxy;
  /** Where the broker itself listens: for a test that closes the proxy and puts its own in its place. */
  readonly brokerPort: number;
}

export interface KafkaCluster {
  /** `host:port` of each. */
  readonly brokers: readonly string[];
  /** Their processes' ids, where it started them. */
  readonly pids?: readonly number[];
  /** Where it was asked for. */
  readonly secured?: SecuredKafka;
  readonly proxied?: ProxiedKafka;
  /** SIGKILL: it has no time to write anything. */
  kill(broker: number): Promise<void>;
  /** The same data, the same port; resolves when the cluster answers. */
  restart(broker: number): Promise<void>;
  /** Holds it in place, as a long pause does; `resume` ends that. */
  pause(broker: number): void;
  resume(broker: number): void;
  stop(): Promise<void>;
}

const READY_MS_MAX = 60_000;

/** Starts a cluster on loopback, on free ports; resolves when it answers. */
export async function startKafka({
  version = '4.3.1',
  brokers: count = 1,
  folder,
  secured = false,
  proxied = false,
  longRunning = false,
}: KafkaOptions = {}): Promise<KafkaCluster> {
  const jars = await kafkaJars(version);
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'thyme-kafka-')));
  const [saslPort = 0, tlsPort = 0, mutualPort = 0, behindPort = 0, proxyPort = 0, ...ports] = await freePorts(5 + 2 * count);
  const listeners: MoreListeners = {
    secured: secured ? { security: await prepareSecurity(join(home, 'security')), saslPort, tlsPort, mutualPort } : undefined,
    proxied: proxied ? { port: behindPort, proxyPort } : undefined,
  };
  const addresses = Array.from({ length: count }, (_, index) => ({
    nodeId: index + 1,
    port: ports[2 * index] ?? 0,
    controllerPort: ports[2 * index + 1] ?? 0,
  }));
  const clusterId = randomUuid(jars);
  const processes = addresses.map((address) => {
    const own = join(home, `broker-${address.nodeId}`);
    return new KafkaProcess({
      jars,
      folder: own,
      port: address.port,
      clusterId,
      longRunning,
      properties: serverProperties(address, addresses, join(own, 'data'), listeners),
      formatArguments: listeners.secured === undefined ? [] : scramArguments(listeners.secured.security),
    });
  });
  const brokers = addresses.map(({ port }) => `127.0.0.1:${port}`);
  const proxy = proxied ? await KafkaProxy.open(proxyPort, behindPort) : undefined;
  const stop = async (): Promise<void> => {
    await proxy?.close();
    await Promise.all(processes.map((process) => process.kill('SIGTERM')));
    if (folder === undefined) await rm(home, { recursive: true, force: true });
  };
  try {
    for (const process of processes) await process.prepare();
    for (const process of processes) process.start();
    await Promise.all(processes.map((process) => process.listening()));
    await answering(brokers);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...faultsOf(processes, brokers),
    brokers,
    stop,
    pids: processes.flatMap(({ pid }) => pid ?? []),
    ...(listeners.secured === undefined ? {} : { secured: securedKafka(listeners.secured) }),
    ...(proxy === undefined ? {} : { proxied: { proxy, address: `127.0.0.1:${proxyPort}`, brokerPort: behindPort } }),
  };
}

function securedKafka({ security, saslPort, tlsPort, mutualPort }: SecuredListeners): SecuredKafka {
  return { ...security, sasl: `127.0.0.1:${saslPort}`, tls: `127.0.0.1:${tlsPort}`, mutual: `127.0.0.1:${mutualPort}` };
}

function faultsOf(processes: readonly KafkaProcess[], brokers: readonly string[]): Omit<KafkaCluster, 'brokers' | 'stop'> {
  const at = (broker: number): KafkaProcess => {
    const process = processes[broker];
    if (process === undefined) throw new RangeError(`there are ${processes.length} brokers, and no ${broker}`);
    return process;
  };
  return {
    kill: (broker) => at(broker).kill('SIGKILL'),
    async restart(broker) {
      await at(broker).kill('SIGTERM');
      at(broker).start();
      await at(broker).listening();
      await answering(brokers);
    },
    pause: (broker) => at(broker).signal('SIGSTOP'),
    resume: (broker) => at(broker).signal('SIGCONT'),
  };
}

/** Resolves when all brokers are members: a port accepts connections well before that. */
async function answering(brokers: readonly string[]): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      if ((await admin.describeCluster()).brokers.length === brokers.length) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
    await sleep(100);
  }
}

function randomUuid(jars: string): string {
  const output = execFileSync('java', ['-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'random-uuid'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return output.trim().split('\n').at(-1) ?? '';
}
