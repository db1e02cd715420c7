// Iceberg's own REST catalog and library without Docker, for tests: jars from Maven Central, and a small program of ours in Java.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../local/free-ports.js';
import { mavenJars, runs } from '../local/maven-jars.js';

const VERSION = '1.10.1';
/** group:artifact:version[:classifier] */
const JARS = [
  `org.apache.iceberg:iceberg-open-api:${VERSION}:test-fixtures`,
  `org.apache.iceberg:iceberg-core:${VERSION}`,
  `org.apache.iceberg:iceberg-core:${VERSION}:tests`,
  `org.apache.iceberg:iceberg-data:${VERSION}`,
  `org.apache.iceberg:iceberg-parquet:${VERSION}`,
  'org.apache.hadoop:hadoop-client-api:3.4.1',
  'org.apache.hadoop:hadoop-client-runtime:3.4.1',
  'org.eclipse.jetty:jetty-servlet:11.0.25',
  'org.xerial:sqlite-jdbc:3.46.1.3',
  'org.slf4j:slf4j-simple:2.0.16',
];
/** It answers after some 3 s; a loaded machine takes a multiple. */
const READY_MS_MAX = 90_000;

export const icebergJavaWhat = 'a JDK with Maven (apt-get install openjdk-17-jdk-headless maven)';

export async function hasIcebergJava(): Promise<boolean> {
  return (await runs('javac', ['-version'])) && (existsSync(join(home(), 'lib')) || (await runs('mvn', ['-v'])));
}

export interface RunningCatalog {
  /** Of the REST catalog; its tables are in the namespace `db`. */
  readonly url: string;
  /** Says one line to the program (IcebergTables.java); resolves to its answer. */
  say(line: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts one whose tables lie in `folder`; resolves when it answers. */
export async function startIcebergCatalog(folder: string): Promise<RunningCatalog> {
  const jars = await mavenJars(home(), JARS);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    'java',
    [
      '-Xmx384m',
      '-XX:TieredStopAtLevel=1',
      `-Djava.io.tmpdir=${folder}`, // its libraries of C are unpacked there, and left where it is killed
      '-cp',
      join(jars, '*'),
      fileURLToPath(new URL('IcebergTables.java', import.meta.url)),
    ],
    { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, CATALOG_REST_PORT: String(port), CATALOG_WAREHOUSE: `file://${folder}` } },
  );
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL'); // it has nothing to keep
    await exited;
  };
  const deadline = performance.now() + READY_MS_MAX;
  while (!(await answers(`${url}/v1/config`))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      if (child.exitCode === null) await stop();
      throw new Error('the Iceberg catalog does not answer');
    }
    await sleep(100);
  }
  const say = conversation(child);
  await say(`connect ${url}`);
  return { url, say, stop };
}

function conversation(child: ChildProcess): RunningCatalog['say'] {
  if (child.stdout === null) throw new Error('Java has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (line) => {
    child.stdin?.write(`${line}\n`);
    const next = await lines.next(); // readline gives lines
    if (next.done === true) throw new Error('Java has ended');
    const answer = next.value;
    if (!answer.startsWith('OK ')) throw new Error(`${line}: ${answer}`);
    return answer.slice(3);
  };
}

function home(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-tools', `iceberg-${VERSION}`);
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
