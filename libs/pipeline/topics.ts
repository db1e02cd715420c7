// The names of a deployment's topics and writers (DESIGN 4). Names of datasets are identifiers, so
// no two of these can be the same.

export function datasetTopic(deployment: string, dataset: string, version: number): string {
  return `${deployment}.${dataset}.v${version}`;
}

/**
 * What a dataset version was begun with: the records of the version before, as its upgrade made them (S19a). A record
 * without bytes ends it.
 */
export function historyTopic(deployment: string, dataset: string, version: number): string {
  return historyOf(datasetTopic(deployment, dataset, version));
}

/** Names the topic that holds the history of a dataset version's topic. */
export function historyOf(topic: string): string {
  return `${topic}.history`;
}

/** A published dataset's rows as JSON, for consumers that are not Thyme's (S25). */
export function publishedTopic(deployment: string, dataset: string, version: number): string {
  return `${datasetTopic(deployment, dataset, version)}.json`;
}

/** What could not enter the dataset (S12), or failed in a pipeline that reads it (S13, S23). */
export function deadLetterTopic(deployment: string, dataset: string, version: number): string {
  return deadLettersOf(datasetTopic(deployment, dataset, version));
}

/** Of a dataset version's topic. */
export function deadLettersOf(topic: string): string {
  return `${topic}.dead`;
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

/**
 * How far the source of a dataset's version has come (S16): one partition, one writer. `source` is `<dataset>.v<N>`, so a new
 * version of a dataset begins its source anew (S19a). A dataset may be called `source`, but no dataset's topic has two names in
 * front of its version.
 */
export function sourceProgressTopic(deployment: string, source: string): string {
  return `${deployment}.source.${source}`;
}

/** Which sources people have paused, and what became of each: every ingest process follows it. */
export function sourceControlTopic(deployment: string): string {
  return `${deployment}.sources`;
}

export function sourceWriterId(deployment: string, source: string): string {
  return `${deployment}.source.${source}`;
}

/**
 * What was erased, and what became of it (S26): a partition for each of the deployment's. No dataset's topic is called so,
 * without a version.
 */
export function erasuresTopic(deployment: string): string {
  return `${deployment}.erasures`;
}

export function erasuresWriterId(deployment: string): string {
  return `${deployment}.erasures`;
}

/** API keys and the deployment's secret: one partition. No dataset is called `keys` with nothing behind it. */
export function keysTopic(deployment: string): string {
  return `${deployment}.keys`;
}

export function keysWriterId(deployment: string): string {
  return `${deployment}.keys`;
}
