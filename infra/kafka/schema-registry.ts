// A real schema registry without Docker, for tests: Apicurio, which answers as Confluent's does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../local/free-ports.js';
import { fetchedFolder } from '../local/maven-jars.js';
import { kafkaCacheFolder } from './kafka-jars.js';

const VERSION = '2.4.2.Final';
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
/** It answers after some 5 s; a loaded machine takes a multiple. */
const READY_MS_MAX = 90_000;

export interface RunningRegistry {
  /** Of Confluent's API. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts one on loopback, at a free port, that keeps its schemas in memory; resolves when it answers. */
export async function startSchemaRegistry(): Promise<RunningRegistry> {
  const folder = await registryFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/apis/ccompat/v6`;
  const child = spawn(
    'java',
    [
      '-Xmx256m',
      '-XX:TieredStopAtLevel=1',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      '-jar',
      `apicurio-registry-app-${VERSION}-runner.jar`,
    ],
    { cwd: folder, stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL'); // it has nothing to keep
    await exited;
  };
  const deadline = performance.now() + READY_MS_MAX;
  while (!(await answers(`${url}/subjects`))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      if (child.exitCode === null) await stop();
      throw new Error('the schema registry does not answer');
    }
    await sleep(100);
  }
  return { url, stop };
}

/** Its folder in the cache of Kafka's jars, fetched by Maven if it is not there. */
function registryFolder(): Promise<string> {
  return fetchedFolder(join(kafkaCacheFolder(), `apicurio-${VERSION}`), 'app', async (staging, run) => {
    await run('mvn', [
      '-q',
      '-B',
      'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
      `-Dartifact=${ARTIFACT}`,
      '-DoutputDirectory=.',
    ]);
    await mkdir(join(staging, 'app'));
    await run('tar', ['xzf', `apicurio-registry-app-${VERSION}-all.tar.gz`, '-C', 'app']);
  });
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
