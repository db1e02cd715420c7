import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The two that tests run on; kafkajs behaves alike on both. */
export const KAFKA_VERSIONS = ['4.3.1', '3.9.1'] as const;
export type KafkaVersion = (typeof KAFKA_VERSIONS)[number];

/** What a broker logs with. Its slf4j-api is 1.7, so not the bindings named slf4j2. */
const LOG_BACKENDS: Readonly<Record<KafkaVersion, readonly string[]>> = {
  '4.3.1': ['org.apache.logging.log4j:log4j-slf4j-impl:2.25.1', 'org.apache.logging.log4j:log4j-core:2.25.1'],
  '3.9.1': ['org.slf4j:slf4j-reload4j:1.7.36'],
};

/** Some 45 MB come from Maven Central, in some 15 s where it is near. */
const DOWNLOAD_MS_MAX = 300_000;

/** Where jars are kept between runs. */
export function kafkaCacheFolder(): string {
  return process.env['THYME_KAFKA_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-kafka');
}

/** Why no broker can be started on this machine; undefined if one can. */
export async function whyNoKafka(version: KafkaVersion): Promise<string | undefined> {
  if (!(await runs('java', ['-version']))) return 'java is not installed (Debian: apt-get install openjdk-17-jre-headless)';
  if (existsSync(join(kafkaCacheFolder(), version, 'lib'))) return undefined;
  if (!(await runs('mvn', ['-v']))) return `mvn is not installed, and ${join(kafkaCacheFolder(), version)} has no jars (Debian: apt-get install maven)`;
  return undefined;
}

/** The folder of the version's jars, fetched by Maven if they are not there. */
export async function kafkaJars(version: KafkaVersion): Promise<string> {
  const home = join(kafkaCacheFolder(), version);
  const jars = join(home, 'lib');
  if (existsSync(jars)) return jars;
  await mkdir(home, { recursive: true });
  // Fetched beside it and renamed, so that a folder that is there is whole, also for two at once.
  const staging = await mkdtemp(join(home, 'fetch-'));
  try {
    await writeFile(join(staging, 'pom.xml'), pomOf(version));
    await promisify(execFile)('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib'], { cwd: staging, timeout: DOWNLOAD_MS_MAX });
    await rename(join(staging, 'lib'), jars).catch((error: unknown) => {
      if (!existsSync(jars)) throw error;
    });
    return jars;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function pomOf(version: KafkaVersion): string {
  const dependencies = [`org.apache.kafka:kafka_2.13:${version}`, ...LOG_BACKENDS[version]].map((coordinates) => {
    const [group = '', artifact = '', number = ''] = coordinates.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${number}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>thyme</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>${dependencies.join('\n    ')}</dependencies>
</project>
`;
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  return promisify(execFile)(program, args).then(() => true, () => false);
}
