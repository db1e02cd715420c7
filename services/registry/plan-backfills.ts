import type { Revision, TimelineIdentity } from '../../libs/definition/revision.js';
import type { Log, LogRecord, TopicPartition } from '../../libs/log/log.js';
import { datasetTopic, historyTopic } from '../../libs/pipeline/topics.js';
import { countRecords, type Deployment } from './deployment-topics.js';

/** What a commit would have built of history, before it is served (S18). */
export interface Backfill {
  /** A pipeline, or `index:<dataset>`. */
  readonly name: string;
  readonly version: number;
  readonly inputs: readonly string[];
  /** In the topics that it reads, by their ends. */
  readonly records: number;
  /** As if all were as long as the newest. */
  readonly bytes: number;
}

/** Enough to know how long records are, and a few milliseconds to read. */
const SAMPLE = { recordsMax: 200, bytesMax: 256 * 1_024 };

/** Of each timeline that the revision begins: those from this id on. */
export async function planBackfills(
  log: Log,
  deployment: Deployment,
  { revision, firstTimelineId }: { readonly revision: Revision; readonly firstTimelineId: number },
): Promise<readonly Backfill[]> {
  const sizes = new Map<string, Promise<{ readonly records: number; readonly bytes: number }>>();
  const sizeOf = (dataset: string) => {
    const known = sizes.get(dataset) ?? datasetSize(log, deployment, dataset, revision);
    sizes.set(dataset, known);
    return known;
  };
  return Promise.all(
    revision.timelines
      .filter(({ id }) => id >= firstTimelineId)
      .map(async (timeline) => {
        const inputs = inputsOf(timeline, revision);
        const each = await Promise.all(inputs.map(sizeOf));
        const sum = (of: 'records' | 'bytes'): number => each.reduce((total, size) => total + size[of], 0);
        return { name: timeline.name, version: timeline.version, inputs, records: sum('records'), bytes: sum('bytes') };
      }),
  );
}

function inputsOf({ name }: TimelineIdentity, { definitions: { pipelines } }: Revision): readonly string[] {
  return pipelines.find((pipeline) => pipeline.name === name)?.inputs ?? [name.slice(name.indexOf(':') + 1)];
}

/** With what will be carried over into a version that is raised, which is not in its topics yet (S19a). */
async function datasetSize(
  log: Log,
  deployment: Deployment,
  name: string,
  { definitions: { datasets }, carryOvers = [] }: Revision,
): Promise<{ readonly records: number; readonly bytes: number }> {
  const dataset = datasets.find((of) => of.name === name);
  if (dataset === undefined) return { records: 0, bytes: 0 };
  const before = carryOvers.find(({ from, toVersion }) => from.name === name && toVersion === dataset.version)?.from;
  const isCarried = before !== undefined && (await log.partitionCount(historyTopic(deployment.name, name, dataset.version))) === undefined;
  const read = isCarried ? [dataset, before] : [dataset];
  let [records, bytes] = [0, 0];
  for (const version of read) {
    const count = await countRecords(log, deployment, version);
    records += count;
    if (count > 0) bytes += Math.round(count * (await recordBytes(log, datasetTopic(deployment.name, name, version.version))));
  }
  return { records, bytes };
}

/** The mean length of the newest records of each partition. */
async function recordBytes(log: Log, topic: string): Promise<number> {
  let [records, bytes] = [0, 0];
  const partitions = (await log.partitionCount(topic)) ?? 0;
  for (let partition = 0; partition < partitions; partition++) {
    for (const { key, value } of await newest(log, { topic, partition })) {
      records += 1;
      bytes += key.length + value.length;
    }
  }
  return records === 0 ? 0 : bytes / records;
}

async function newest(log: Log, source: TopicPartition): Promise<readonly LogRecord[]> {
  const end = await log.endOffset(source);
  return (await log.read(source, Math.max(0, end - SAMPLE.recordsMax), SAMPLE)).records;
}
