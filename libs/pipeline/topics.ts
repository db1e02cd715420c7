// The names of a deployment's topics and writers (DESIGN 4). Names of datasets are identifiers, so
// no two of these can be the same.

export function datasetTopic(deployment: string, dataset: string, version: number): string {
  return `${deployment}.${dataset}.v${version}`;
}

/** A published dataset's rows as JSON, for consumers that are not Thyme's (S25). */
export function publishedTopic(deployment: string, dataset: string, version: number): string {
  return `${datasetTopic(deployment, dataset, version)}.json`;
}

/** What could not enter the dataset (S12), or failed in a pipeline that reads it (S13, S23). */
export function deadLetterTopic(deployment: string, dataset: string, version: number): string {
  return `${datasetTopic(deployment, dataset, version)}.dead`;
}

/** The changelog: partition p is the history of partition p's state. */
export function changesTopic(deployment: string): string {
  return `${deployment}.changes`;
}

/** Records on their way to the partition of another key; a partition for each (source, destination). */
export function rekeyTopic(deployment: string): string {
  return `${deployment}.rekey`;
}

export function rekeyPartition(source: number, destination: number, partitionCount: number): number {
  return source * partitionCount + destination;
}

/** Never derived from a host: whoever acquires the partition next fences its predecessor with it. */
export function aggregatorWriterId(deployment: string, partition: number): string {
  return `${deployment}.agg.${partition}`;
}

/** How far a source has come (S16): one partition, one writer. Its name is an identifier, so no dataset's topic is called so. */
export function sourceProgressTopic(deployment: string, source: string): string {
  return `${deployment}.source.${source}`;
}

export function sourceWriterId(deployment: string, source: string): string {
  return `${deployment}.source.${source}`;
}
