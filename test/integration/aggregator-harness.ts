// An owner in memory for tests: definitions as plain data, records by hand, ticks one at a time.

import assert from 'node:assert';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { compileRecordCodec, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { EncodedBatch } from '../../libs/change/batch-codec.js';
import { headKey } from '../../libs/change/state-keys.js';
import type { Aggregation, DatasetDefinition, Definitions, PipelineDefinition } from '../../libs/definition/definitions.js';
import type { Revision, TimelineIdentity } from '../../libs/definition/revision.js';
import { outputFields } from '../../libs/definition/step-schema.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { Log } from '../../libs/log/log.js';
import { compileFinish } from '../../libs/pipeline/answers.js';
import { INDEX_MEASURES, measuresOf, questionsOf, shapeOf } from '../../libs/pipeline/measures.js';
import { partitionFields } from '../../libs/pipeline/partition-fields.js';
import { isRetractable } from '../../libs/pipeline/retractable.js';
import { datasetTopic, deadLetterTopic } from '../../libs/pipeline/topics.js';
import type { AuthorFunctions } from '../../libs/pipeline/steps.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import type { ReplicaView } from '../../libs/replica/replica-view.js';
import type { Field, Row, Value } from '../../libs/schema/value-type.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { ManualClock } from '../../libs/time/clock.js';
import { acquire } from '../../services/aggregator/acquire.js';
import type { PartitionTask } from '../../services/aggregator/partition-task.js';
import { RevisionList } from '../../services/aggregator/revision-feed.js';
import type { StepWatch } from '../../services/aggregator/step-watch.js';
import { TICK_LIMITS, type TaskEnvironment, type TickLimits } from '../../services/aggregator/task-environment.js';

export const DEPLOYMENT = 'test';
const NO_DEFINITIONS: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [] };

export function field(name: string, kind: 'string' | 'int' | 'float' | 'bool' | 'timestamp' | 'decimal', optional = false): Field {
  return { name, type: { kind, optional } };
}

export function dataset(
  name: string,
  fields: readonly Field[],
  keys: readonly string[],
  more: Partial<DatasetDefinition> = {},
): DatasetDefinition {
  return { name, version: 1, fields, keys, timestamp: 'at', index: false, publish: false, maxFutureUs: 600e6, expectations: [], ...more };
}

export function pipeline(output: string, inputs: readonly string[], more: Partial<PipelineDefinition>): PipelineDefinition {
  return { name: `${output}.build`, version: 1, output, inputs, steps: [], ...more };
}

/** As the registry would number it: ids by place in `known`, indexes for raw datasets. */
export function revisionOf(
  number: number,
  parts: Pick<Definitions, 'datasets' | 'pipelines'> & Partial<Definitions>,
  known: TimelineIdentity[],
): Revision {
  const definitions: Definitions = { sources: [], featuresets: [], ...parts };
  const datasets = new Map(definitions.datasets.map((each) => [each.name, each]));
  const wanted: Omit<TimelineIdentity, 'id'>[] = [];
  for (const each of definitions.datasets) {
    const aggregated = definitions.pipelines.some(({ output, aggregate }) => output === each.name && aggregate !== undefined);
    if (each.index && !aggregated) wanted.push({ name: `index:${each.name}`, version: each.version, measures: INDEX_MEASURES });
  }
  for (const each of definitions.pipelines) {
    if (each.aggregate !== undefined)
      wanted.push({ name: each.name, version: each.version, measures: measuresOf(each, outputFields(each, datasets).at(-1) ?? []) });
  }
  const timelines = wanted.map((identity) => {
    let found = known.find(({ name, version }) => name === identity.name && version === identity.version);
    if (found === undefined) {
      found = { ...identity, id: known.length + 1 };
      known.push(found);
    }
    return found;
  });
  return { number, createdUs: 0, definitions, bundle: { sha256: '', code: '' }, timelines };
}

export interface Sent extends Partial<Omit<DatasetRecord, 'row'>> {
  readonly eventTimeUs: number;
}

export interface HarnessOptions {
  readonly partitionCount?: number;
  readonly log?: Log;
  readonly functions?: Readonly<Record<string, (row: Record<string, unknown>) => unknown>>;
  readonly limits?: Partial<TickLimits>;
  readonly stepWatch?: StepWatch;
  readonly backfillRecordsPerS?: number;
  readonly openStore?: (partition: number) => Store;
}

interface Owned {
  readonly view: PartitionView;
  store: Store;
  task: PartitionTask | undefined;
  readonly batches: EncodedBatch[];
}

export class Harness {
  readonly log: Log;
  readonly feed = new RevisionList();
  readonly clock = new ManualClock(1_700_000_000_000_000);
  readonly partitionCount: number;
  readonly partitions: readonly Owned[];
  readonly known: TimelineIdentity[] = [];
  revision: Revision | undefined;
  readonly #options: HarnessOptions;

  constructor(options: HarnessOptions = {}) {
    this.#options = options;
    this.log = options.log ?? new MemoryLog();
    this.partitionCount = options.partitionCount ?? 1;
    this.partitions = Array.from({ length: this.partitionCount }, (_, partition) => ({
      view: new PartitionView(partition, () => 0),
      store: options.openStore?.(partition) ?? new MemoryStore(),
      task: undefined,
      batches: [],
    }));
  }

  environment(partition: number): TaskEnvironment {
    const functions: AuthorFunctions = { transform: (name) => this.#options.functions?.[name], decimal: Decimal };
    return {
      deployment: DEPLOYMENT,
      partition,
      partitionCount: this.partitionCount,
      log: this.log,
      clock: this.clock,
      feed: this.feed,
      functionsOf: () => functions,
      limits: { ...TICK_LIMITS, ...this.#options.limits },
      stepWatch: this.#options.stepWatch,
      backfillRecordsPerS: this.#options.backfillRecordsPerS,
    };
  }

  /** Topics, then the revision. */
  async commit(parts: Pick<Definitions, 'datasets' | 'pipelines'> & Partial<Definitions>): Promise<Revision> {
    const revision = revisionOf((this.revision?.number ?? 0) + 1, parts, this.known);
    for (const { name, version } of revision.definitions.datasets) {
      await this.log.createTopic(datasetTopic(DEPLOYMENT, name, version), this.partitionCount);
      await this.log.createTopic(deadLetterTopic(DEPLOYMENT, name, version), this.partitionCount);
    }
    this.revision = revision;
    this.feed.add(revision);
    return revision;
  }

  /** Appends records to the dataset's topic, as ingest does; the row without its timestamp, which is the event time. */
  async send(name: string, records: readonly (readonly [row: Readonly<Record<string, Value>>, sent: Sent])[]): Promise<void> {
    const definition = this.revision?.definitions.datasets.find((each) => each.name === name);
    assert(definition !== undefined);
    const codec = compileRecordCodec(definition.fields);
    const keys = partitionFields(definition);
    const keyOf = compileKeyEncoder(
      keys.map((key) => fieldOf(definition, key)),
      name,
    );
    for (const [values, sent] of records) {
      const row: Row = definition.fields.map((each) =>
        each.name === definition.timestamp ? sent.eventTimeUs : (values[each.name] ?? null),
      );
      const key = keyOf(keys.map((each) => row[definition.fields.findIndex(({ name: other }) => other === each)] ?? null));
      const value = codec.encode({ appendTimeUs: this.clock.nowUs(), lane: 'push', historical: false, ...sent, row });
      await this.log.append(
        { topic: datasetTopic(DEPLOYMENT, name, definition.version), partition: partitionOf(slotOf(key), this.partitionCount) },
        [{ key, value }],
      );
    }
  }

  async task(partition: number): Promise<PartitionTask> {
    const owned = this.#owned(partition);
    owned.task ??= await acquire(this.environment(partition), owned.store, {
      onApplier: (applier) => owned.view.attach(applier),
      onBatch: (batch) => {
        owned.batches.push(batch);
        owned.view.committed();
      },
    });
    return owned.task;
  }

  /** As a restart does: nothing in memory survives; with `loseStore` nothing on disk either. */
  restart(partition: number, { loseStore = false } = {}): void {
    const owned = this.#owned(partition);
    owned.task = undefined;
    if (loseStore) owned.store = this.#options.openStore?.(partition) ?? new MemoryStore();
  }

  /** Ticks all tasks in turn until none has anything to do. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < this.partitionCount;) {
      idle = 0;
      for (let partition = 0; partition < this.partitionCount; partition++) {
        if ((await (await this.task(partition)).tick()) === 'idle') idle++;
      }
    }
  }

  view(partition: number): ReplicaView {
    return this.#owned(partition).view;
  }

  /** The output fields of a pipeline's group at an instant. */
  ask(
    pipelineName: string,
    key: readonly Value[],
    asOfUs: number,
    {
      knownAtUs = Number.POSITIVE_INFINITY,
      view,
    }: { readonly knownAtUs?: number; readonly view?: (partition: number) => ReplicaView } = {},
  ): Record<string, Value> {
    const definition = this.revision?.definitions.pipelines.find(({ name }) => name === pipelineName);
    const timeline = this.revision?.timelines.find(({ name }) => name === pipelineName);
    const output = this.revision?.definitions.datasets.find(({ name }) => name === definition?.output);
    assert(definition?.aggregate !== undefined && timeline !== undefined && output !== undefined);
    const { aggregations } = definition.aggregate;
    const bytes = compileKeyEncoder(
      output.keys.map((each) => fieldOf(output, each)),
      output.name,
    )(key);
    const reader = (view ?? ((partition) => this.view(partition)))(partitionOf(slotOf(bytes), this.partitionCount)).tick();
    const answers = readWindows(
      shapeOf(timeline.measures, isRetractable(this.revision?.definitions ?? NO_DEFINITIONS, timeline)),
      reader,
      headKey(slotOf(bytes), timeline.id, bytes),
      { asOfUs, knownAtUs },
      questionsOf(aggregations, timeline.measures),
    );
    return Object.fromEntries(aggregations.map((aggregation, i) => [aggregation.field, finish(aggregation, output, answers[i] ?? null)]));
  }

  #owned(partition: number): Owned {
    const owned = this.partitions[partition];
    assert(owned !== undefined);
    return owned;
  }
}

function finish(aggregation: Aggregation, output: DatasetDefinition, answer: Parameters<ReturnType<typeof compileFinish>>[0]): Value {
  return compileFinish(aggregation, fieldOf(output, aggregation.field).type, output.name)(answer);
}

function fieldOf(definition: DatasetDefinition, name: string): Field {
  const found = definition.fields.find((each) => each.name === name);
  assert(found !== undefined, `${definition.name} has no field ${name}`);
  return found;
}
