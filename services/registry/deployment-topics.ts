import type { Definitions } from '../../libs/definition/definitions.js';
import type { Log } from '../../libs/log/log.js';
import { changesTopic, datasetTopic, deadLetterTopic, publishedTopic, rekeyTopic } from '../../libs/pipeline/topics.js';

export interface Deployment {
  readonly name: string;
  /** Of every dataset and pipeline; partition p of all of them belongs to one task (DESIGN 4). */
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
export async function createDatasetTopics(log: Log, { name, partitions, publishesJson = false }: Deployment, { datasets }: Definitions): Promise<void> {
  for (const dataset of datasets) {
    await log.createTopic(datasetTopic(name, dataset.name, dataset.version), partitions);
    await log.createTopic(deadLetterTopic(name, dataset.name, dataset.version), partitions);
    if (publishesJson && dataset.publish) await log.createTopic(publishedTopic(name, dataset.name, dataset.version), partitions);
  }
}

/** Every commit, in order, in one partition. */
export function registryTopic(deployment: string): string {
  return `${deployment}.registry`;
}

/** Its newest writer alone can commit (L4), so two registries never both do. */
export function registryWriterId(deployment: string): string {
  return `${deployment}.registry`;
}
