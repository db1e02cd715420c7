import { readFile } from 'node:fs/promises';
import type { Log } from '../../libs/log/log.js';
import type { PartitionOwnership } from '../../libs/log/membership.js';
import type { Connector } from '../../libs/source/connector.js';
import { bigqueryConnector } from '../../libs/source/bigquery/bigquery-connector.js';
import { filesConnector } from '../../libs/source/files/files-connector.js';
import { icebergConnector } from '../../libs/source/iceberg/iceberg-connector.js';
import { kafkaConnector } from '../../libs/source/kafka/kafka-connector.js';
import { kinesisConnector } from '../../libs/source/kinesis/kinesis-connector.js';
import { postgresConnector } from '../../libs/source/postgres/postgres-connector.js';
import { ownConnectors } from '../../libs/source/own-connector.js';
import { s3Connector } from '../../libs/source/s3/s3-connector.js';
import { snowflakeConnector } from '../../libs/source/snowflake/snowflake-connector.js';
import { systemRandom } from '../../libs/time/backoff.js';
import type { Clock } from '../../libs/time/clock.js';
import type { Ingest } from '../ingest/ingest.js';
import { Sources } from '../ingest/sources/sources.js';
import type { Registry } from '../registry/registry.js';
import type { Telemetry } from './telemetry.js';

export interface SourceServiceOptions extends Telemetry {
  readonly deployment: string;
  readonly log: Log;
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly ownership: PartitionOwnership;
  readonly address: () => string;
  readonly hasRoom: () => boolean;
}

/** The connectors that this program has, by name. Those of other people's libraries import them when they are first used. */
export function builtConnectors(clock: Clock): ReadonlyMap<string, Connector> {
  const built = [
    filesConnector(clock),
    postgresConnector(clock),
    kafkaConnector(clock, process.env),
    s3Connector(clock),
    kinesisConnector(clock),
    bigqueryConnector(clock),
    snowflakeConnector(clock),
    icebergConnector(clock),
  ];
  built.push(...ownConnectors().map((own) => own.create(clock)));
  return new Map(built.map((connector) => [connector.name, connector]));
}

/** The sources of a process that ingests; started once the registry's history is read, stopped before the log is closed. */
export function createSources({ registry, ingest, clock, ...rest }: SourceServiceOptions): Sources {
  return new Sources({
    ...rest,
    clock,
    random: systemRandom,
    revisions: registry.history,
    doors: ingest.doors,
    connectors: builtConnectors(clock),
    environment: { variables: process.env, readFile: (path) => readFile(path, 'utf8') },
  });
}
