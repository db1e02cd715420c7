import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { Log } from '../../libs/log/log.js';
import { changesTopic, datasetTopic, deadLetterTopic, historyTopic, publishedTopic, rekeyTopic } from '../../libs/pipeline/topics.js';

export interface Deployment {
  readonly name: string;
  /** How many every dataset and pipeline has; partition p of all of them belongs to one task (DESIGN 4). */
  readonly partitions: number;
  /** Whether published datasets get a topic of JSON for others to read. */
  readonly publishesJson?: boolean;
}

/** The topics that a deployment has whatever it is committed. Refuses another partition count than they have. */
export async function createBaseTopics(log: Log, { name, partitions }: Deployment): Promise<void> {
  await log.createTopic(registryTopic(name), 1);
  await log.createTopic(changesTopic(name), partitions);
  await log.createTopic(rekeyTopic(name), partitions * partitions);
}

/** The topics of the datasets. Created before the revision is published, so that who follows it finds them. */
export async function createDatasetTopics(
  log: Log,
  { name, partitions, publishesJson = false }: Deployment,
  { definitions: { datasets }, carryOvers = [] }: Pick<Revision, 'definitions' | 'carryOvers'>,
): Promise<void> {
  for (const { from, toVersion } of carryOvers) await log.createTopic(historyTopic(name, from.name, toVersion), partitions);
  for (const dataset of datasets) {
    await log.createTopic(datasetTopic(name, dataset.name, dataset.version), partitions);
    await log.createTopic(deadLetterTopic(name, dataset.name, dataset.version), partitions);
    if (publishesJson && dataset.publish) await log.createTopic(publishedTopic(name, dataset.name, dataset.version), partitions);
  }
}

/** Records of a dataset version, what it was begun with among them; on Kafka ends of transactions are counted too. */
export async function countRecords(log: Log, deployment: Deployment, { name, version }: DatasetDefinition): Promise<number> {
  let records = 0;
  for (const topic of [datasetTopic(deployment.name, name, version), historyTopic(deployment.name, name, version)]) {
    const partitions = (await log.partitionCount(topic)) ?? 0;
    for (let partition = 0; partition < partitions; partition++) records += await log.endOffset({ topic, partition });
  }
  return records;
}

/** Every commit, in order, in one partition. */
export function registryTopic(deployment: string): string {
  return `${deployment}.registry`;
}

/** Its newest writer alone can commit (L4), so two registries never both do. */
export function registryWriterId(deployment: string): string {
  return `${deployment}.registry`;
}
