import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { mavenJars, runs } from '../local/maven-jars.js';

/** The two that tests run on; kafkajs behaves alike on both. */
export const KAFKA_VERSIONS = ['4.3.1', '3.9.1'] as const;
export type KafkaVersion = (typeof KAFKA_VERSIONS)[number];

/** What a broker logs with. Its slf4j-api is 1.7, so not the bindings named slf4j2. */
const LOG_BACKENDS: Readonly<Record<KafkaVersion, readonly string[]>> = {
  '4.3.1': ['org.apache.logging.log4j:log4j-slf4j-impl:2.25.1', 'org.apache.logging.log4j:log4j-core:2.25.1'],
  '3.9.1': ['org.slf4j:slf4j-reload4j:1.7.36'],
};

/** Where jars are kept between runs. */
export function kafkaCacheFolder(): string {
  return process.env['THYME_KAFKA_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-kafka');
}

/** Why no broker can be started on this machine; undefined if one can. */
export async function whyNoKafka(version: KafkaVersion): Promise<string | undefined> {
  if (!(await runs('java', ['-version']))) return 'java is not installed (Debian: apt-get install openjdk-17-jre-headless)';
  if (existsSync(join(kafkaCacheFolder(), version, 'lib'))) return undefined;
  if (!(await runs('mvn', ['-v'])))
    return `mvn is not installed, and ${join(kafkaCacheFolder(), version)} has no jars (Debian: apt-get install maven)`;
  return undefined;
}

/** The folder of the version's jars, fetched by Maven if they are not there. */
export function kafkaJars(version: KafkaVersion): Promise<string> {
  return mavenJars(join(kafkaCacheFolder(), version), [`org.apache.kafka:kafka_2.13:${version}`, ...LOG_BACKENDS[version]]);
}
