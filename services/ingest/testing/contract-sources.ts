import { compileRecordCodec, type DatasetRecord } from '../../../libs/codec/dataset-record.js';
import { type ConnectorRules, connectors, registerConnector } from '../../../libs/definition/connectors.js';
import type { DatasetDefinition, SourceDefinition } from '../../../libs/definition/definitions.js';
import type { Revision } from '../../../libs/definition/revision.js';
import type { Log } from '../../../libs/log/log.js';
import { readToEnd } from '../../../libs/log/read-to-end.js';
import { SoloMembership } from '../../../libs/log/solo-membership.js';
import { datasetTopic, deadLetterTopic } from '../../../libs/pipeline/topics.js';
import type { Connector } from '../../../libs/source/connector.js';
import { EventRing } from '../../../libs/telemetry/event-ring.js';
import { createLogger } from '../../../libs/telemetry/logger.js';
import { systemRandom } from '../../../libs/time/backoff.js';
import { systemClock, type Clock } from '../../../libs/time/clock.js';
import { DatasetDoors } from '../dataset-doors.js';
import { SOURCE_PARTS, Sources } from '../sources/sources.js';
import { contractDataset, type ContractSystem } from './contract-system.js';

const DEPLOYMENT = 'contract';
const PARTITIONS = 3;

/** What a source is made from, as plain data: a process that is to be killed gets it as JSON. */
export interface ContractSource {
  readonly module: string;
  readonly create: string;
  readonly source: SourceDefinition;
  readonly dataset: DatasetDefinition;
  readonly rules: ConnectorRules | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

export function contractSource({ connector, source, dataset, rules, variables = {} }: ContractSystem): ContractSource {
  const declared = contractDataset(dataset);
  const { module, create } = connector;
  return { module: module.href, create, source: { ...source, dataset: declared.name }, dataset: declared, rules, variables };
}

/** The connector from its module; what a commit knows of it is made known with it. */
export async function loadConnector({ module, create, source, rules }: ContractSource): Promise<Connector> {
  if (rules !== undefined && !connectors.has(source.connector)) registerConnector(source.connector, rules);
  const make: unknown = ((await import(module)) as Readonly<Record<string, unknown>>)[create];
  if (typeof make !== 'function') throw new TypeError(`${module} exports no function '${create}' that makes the connector`);
  return (make as (clock: Clock) => Connector)(systemClock);
}

/** The sources of one process over the log; started. */
export async function startContractSources(log: Log, declared: ContractSource): Promise<Sources> {
  const { source, dataset, variables } = declared;
  const { name, version } = dataset;
  await log.createTopic(datasetTopic(DEPLOYMENT, name, version), PARTITIONS);
  await log.createTopic(deadLetterTopic(DEPLOYMENT, name, version), PARTITIONS);
  const revision: Revision = {
    number: 1,
    createdUs: 0,
    definitions: { datasets: [dataset], sources: [source], pipelines: [], featuresets: [] },
    bundle: { sha256: '', code: '' },
    timelines: [],
    carryOvers: [],
  };
  const sources = new Sources({
    log,
    deployment: DEPLOYMENT,
    clock: systemClock,
    random: systemRandom,
    revisions: { latest: () => revision, waitForNewer: untilAborted },
    doors: new DatasetDoors(log, DEPLOYMENT),
    connectors: new Map([[source.connector, await loadConnector(declared)]]),
    environment: { variables, readFile: () => Promise.reject(new Error('the contract has no secret files')) },
    ownership: new SoloMembership(SOURCE_PARTS),
    address: () => '127.0.0.1:1',
    hasRoom: () => true,
    logger: createLogger({ level: 'error', clock: systemClock, write: () => undefined }),
    events: new EventRing(systemClock),
  });
  await sources.start();
  return sources;
}

/** All that was published so far, by partition and in its order. */
export async function publishedRows(log: Log, { dataset }: ContractSource): Promise<readonly (readonly DatasetRecord[])[]> {
  const codec = compileRecordCodec(dataset.fields);
  const topic = datasetTopic(DEPLOYMENT, dataset.name, dataset.version);
  const partitions: DatasetRecord[][] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records: DatasetRecord[] = [];
    for await (const read of readToEnd(log, { topic, partition })) for (const { value } of read.records) records.push(codec.decode(value));
    partitions.push(records);
  }
  return partitions;
}

function untilAborted(_number: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
