// Debezium in Kafka Connect without Docker, for tests: a worker of one process, whose jars Maven fetches.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../local/free-ports.js';
import { mavenJars } from '../local/maven-jars.js';
import { kafkaCacheFolder } from './kafka-jars.js';

const DEBEZIUM = '3.6.1.Final';
const CONNECT = '4.3.1';
const JARS = [
  `io.debezium:debezium-connector-postgres:${DEBEZIUM}`,
  `org.apache.kafka:connect-runtime:${CONNECT}`,
  `org.apache.kafka:connect-json:${CONNECT}`,
  'org.slf4j:slf4j-simple:1.7.36',
];
/** It answers after some 5 s; a loaded machine takes a multiple. */
const READY_MS_MAX = 120_000;

export type Properties = Readonly<Record<string, string>>;

export interface RunningDebezium {
  stop(): Promise<void>;
}

export interface DebeziumOptions {
  readonly brokers: readonly string[];
  readonly postgresPort: number;
  /** Each reads by itself, under a name that is its topics' prefix, its slot's and its publication's; the rest is Debezium's own. */
  readonly connectors: Readonly<Record<string, Properties>>;
}

/** Starts a worker with these connectors; resolves when each of them runs, and rejects with the end of its log where one does not. */
export async function startDebezium({ brokers, postgresPort, connectors }: DebeziumOptions): Promise<RunningDebezium> {
  const jars = await mavenJars(join(kafkaCacheFolder(), `debezium-${DEBEZIUM}`), JARS);
  const folder = await mkdtemp(join(tmpdir(), 'thyme-debezium-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const files = await Promise.all(
    Object.entries(connectors).map(([name, more]) => written(folder, name, connectorProperties(name, postgresPort, more))),
  );
  const worker = await written(folder, 'worker', workerProperties(brokers, url, folder));
  const output = openSync(join(folder, 'output.log'), 'a');
  const child = spawn(
    'java',
    [
      '-Xmx384m',
      '-XX:TieredStopAtLevel=1',
      `-Djava.io.tmpdir=${folder}`,
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      `${jars}/*`,
      'org.apache.kafka.connect.cli.ConnectStandalone',
      worker,
      ...files,
    ],
    { cwd: folder, stdio: ['ignore', output, output] },
  );
  closeSync(output);
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL'); // what it has read is in the topics, and its folder goes
    if (child.exitCode === null) await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = performance.now() + READY_MS_MAX;
  while (!(await allRun(url, Object.keys(connectors)))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      const log = await readFile(join(folder, 'output.log'), 'utf8');
      await stop();
      throw new Error(`Kafka Connect did not start its connectors:\n${log.slice(-4_000)}`);
    }
    await sleep(100);
  }
  return { stop };
}

function workerProperties(brokers: readonly string[], url: string, folder: string): Properties {
  return {
    'bootstrap.servers': brokers.join(','),
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'offset.storage.file.filename': join(folder, 'offsets'),
    'offset.flush.interval.ms': '1000',
    listeners: url,
  };
}

function connectorProperties(name: string, port: number, more: Properties): Properties {
  return {
    name,
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'plugin.name': 'pgoutput',
    'database.hostname': '127.0.0.1',
    'database.port': String(port),
    'database.user': 'thyme',
    'database.password': 'trusted',
    'database.dbname': 'postgres',
    'topic.prefix': name,
    'slot.name': name,
    'publication.name': name,
    'publication.autocreate.mode': 'filtered',
    'topic.creation.default.replication.factor': '1',
    'topic.creation.default.partitions': '3',
    ...more,
  };
}

async function written(folder: string, name: string, properties: Properties): Promise<string> {
  const path = join(folder, `${name}.properties`);
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(path, lines.join(''));
  return path;
}

async function allRun(url: string, names: readonly string[]): Promise<boolean> {
  const states = await Promise.all(names.map((name) => stateOf(`${url}/connectors/${name}/status`)));
  return states.every((state) => state === 'RUNNING');
}

async function stateOf(url: string): Promise<string | undefined> {
  try {
    const { tasks } = (await (await fetch(url)).json()) as { readonly tasks?: readonly { readonly state: string }[] };
    return tasks?.[0]?.state;
  } catch {
    return undefined; // it does not answer yet
  }
}
