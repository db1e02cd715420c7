import assert from 'node:assert';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { compileRecordCodec, PUSH_LANE, type RecordCodec } from '../../libs/codec/dataset-record.js';
import { compileRowCodec, type RowCodec } from '../../libs/codec/row-codec.js';
import type { DatasetDefinition, Definitions, PipelineDefinition } from '../../libs/definition/definitions.js';
import type { CarryOver, Revision, TimelineIdentity } from '../../libs/definition/revision.js';
import { columnsRead } from '../../libs/pipeline/columns-read.js';
import { compileKeyOf } from '../../libs/pipeline/steps.js';
import { compilePipeline, type Stage } from '../../libs/pipeline/compile.js';
import { compileIndexValues, type MeasureValues } from '../../libs/pipeline/measure-values.js';
import { INDEX_PREFIX } from '../../libs/definition/timeline-topics.js';
import { partitionFields } from '../../libs/pipeline/partition-fields.js';
import type { AuthorFunctions } from '../../libs/pipeline/steps.js';
import { datasetTopic, deadLetterTopic, historyTopic } from '../../libs/pipeline/topics.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import { compileJsonCopy } from './json-copy.js';
import { compilePublish, type PublishPlan } from './publish-plan.js';
import { readerIdentities } from './reader-identities.js';

const NO_RIGHTS: ReadonlyMap<string, ReaderPlan> = new Map();

/** Everything that a reader runs a record with, compiled from a revision. A reader belongs to one timeline or stream. */
export interface ReaderPlan {
  /** The timeline's id, which is the reader's too (reader-identities.ts). */
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly isIndex: boolean;
  readonly dataset: DatasetDefinition;
  /** The dataset that its timeline is asked for: the one it fills, or of an index the one it reads. */
  readonly fills: string;
  readonly topic: string;
  /** What the dataset's version was begun with, which is read first (S19a); undefined where it began empty. */
  readonly history: { readonly topic: string } | undefined;
  readonly deadTopic: string;
  /** Decodes what the reader needs of a record. */
  readonly records: RecordCodec;
  /** Decodes all of a record, which dead letters show; the same codec where the reader needs all. */
  readonly wholeRecords: RecordCodec;
  /** Whether a record's group is its key in the topic: then nobody has to make the key anew. */
  readonly groupsByRecordKey: boolean;
  /** Whether a record's group is its entity (S26). */
  readonly groupsByEntity: boolean;
  /**
   * Whether an entity's rows find their groups when they run through the steps once more: not behind a join, which may find
   * another row.
   */
  readonly isSwept: boolean;
  /** The entity of a row, where the record's key in its topic names the row instead (S17); undefined where that is the entity. */
  readonly entityOf: ((row: Row) => Uint8Array | undefined) | undefined;
  readonly stages: readonly Stage[];
  /** How a record is packed that enters the stage of this index from another partition. */
  readonly stageRows: readonly RowCodec[];
  /** The columns of a record that has passed all stages. */
  readonly fields: readonly Field[];
  readonly keyOf: (row: Row) => Uint8Array | undefined;
  /** Undefined for a pipeline that only publishes. */
  readonly measureValues: MeasureValues | undefined;
  readonly publish: PublishPlan | undefined;
  /** The datasets that it joins with. */
  readonly joins: readonly string[];
  /** Their indexes, by the datasets' names. */
  readonly rights: ReadonlyMap<string, ReaderPlan>;
  /** The readers that fill its dataset: it cannot have caught up before they have (S18, S25). */
  readonly upstream: readonly number[];
  /** How much history the timeline answers for (S20); undefined for all. */
  readonly historyUs: number | undefined;
  /** Undefined where nothing of the lane is late (S10). */
  maxLatenessUs(lane: string): number | undefined;
}

export interface RevisionPlan {
  readonly revision: number;
  /** Indexes first: joins look into what they hold in the same tick. */
  readonly readers: readonly ReaderPlan[];
}

export interface PlanOptions {
  readonly deployment: string;
  readonly functions: AuthorFunctions;
  /** Whether published datasets get a topic of JSON as well. */
  readonly publishesJson: boolean;
}

export function planRevision(revision: Revision, options: PlanOptions): RevisionPlan {
  const planner = new Planner(revision, options);
  const plans = readerIdentities(revision).flatMap((identity) => planner.plan(identity) ?? []);
  const indexes = plans.filter((plan) => plan.isIndex);
  const indexOf = (plan: ReaderPlan, dataset: string): ReaderPlan => {
    const index = indexes.find((candidate) => candidate.dataset.name === dataset);
    assert(index !== undefined, `${plan.name} joins ${dataset}, which has no index`); // checked at commit
    return index;
  };
  const others = plans.filter((plan) => !plan.isIndex);
  return {
    revision: revision.number,
    readers: [
      ...indexes,
      ...others.map((plan) => ({ ...plan, rights: new Map(plan.joins.map((dataset) => [dataset, indexOf(plan, dataset)])) })),
    ],
  };
}

class Planner {
  readonly #definitions: Definitions;
  readonly #datasets: ReadonlyMap<string, DatasetDefinition>;
  readonly #identities: readonly TimelineIdentity[];
  readonly #deployment: string;
  readonly #functions: AuthorFunctions;
  readonly #publishesJson: boolean;
  readonly #carryOvers: readonly CarryOver[];

  constructor(revision: Revision, { deployment, functions, publishesJson }: PlanOptions) {
    const { definitions, carryOvers = [] } = revision;
    this.#carryOvers = carryOvers;
    this.#definitions = definitions;
    this.#datasets = new Map(definitions.datasets.map((dataset) => [dataset.name, dataset]));
    this.#identities = readerIdentities(revision);
    this.#deployment = deployment;
    this.#functions = functions;
    this.#publishesJson = publishesJson;
  }

  /** Undefined for a timeline that the definitions no longer fill: its reader stops, what it holds stays. */
  plan(timeline: TimelineIdentity): ReaderPlan | undefined {
    if (timeline.name.startsWith(INDEX_PREFIX)) {
      const dataset = this.#datasets.get(timeline.name.slice(INDEX_PREFIX.length));
      return dataset?.version === timeline.version ? this.#planIndex(timeline, dataset) : undefined;
    }
    const pipeline = this.#definitions.pipelines.find(({ name, version }) => name === timeline.name && version === timeline.version);
    return pipeline && this.#planPipeline(timeline, pipeline);
  }

  #planIndex(timeline: TimelineIdentity, dataset: DatasetDefinition): ReaderPlan {
    const keyIndices = dataset.keys.map((key) => dataset.fields.findIndex((field) => field.name === key));
    const encode = compileKeyEncoder(
      keyIndices.flatMap((index) => dataset.fields[index] ?? []),
      dataset.name,
    );
    const keyOf = (row: Row): Uint8Array => encode(keyIndices.map((index) => row[index] ?? null));
    const stage = { fields: dataset.fields, steps: [], nextKey: undefined, joins: [], callsAuthor: false };
    // Changes lie where their rows do (S17), and go from there to their entities.
    const isMoved = partitionFields(dataset).join() !== dataset.keys.join();
    const stages = isMoved ? [{ ...stage, nextKey: keyOf }, stage] : [stage];
    return {
      ...this.#common(timeline, dataset),
      isIndex: true,
      fills: dataset.name,
      groupsByRecordKey: !isMoved,
      groupsByEntity: true,
      isSwept: false,
      stages,
      stageRows: stages.map(({ fields }) => compileRowCodec(fields)),
      fields: dataset.fields,
      keyOf,
      measureValues: compileIndexValues(dataset.fields),
      publish: undefined,
      joins: [],
      historyUs: dataset.historyUs,
    };
  }

  #planPipeline(timeline: TimelineIdentity, pipeline: PipelineDefinition): ReaderPlan {
    const compiled = compilePipeline(pipeline, timeline.measures, {
      datasets: this.#datasets,
      functions: this.#functions,
      place: pipeline.name,
    });
    const output = this.#datasets.get(pipeline.output);
    assert(output !== undefined, `${pipeline.name} fills a dataset that is not defined`); // checked at commit
    const publishes = output.publish || pipeline.aggregate === undefined;
    const json = output.publish && this.#publishesJson ? compileJsonCopy(this.#deployment, output) : undefined;
    const needed = publishes || compiled.stages.length > 1 ? undefined : columnsRead(pipeline, timeline.measures, compiled.input);
    const common = this.#common(timeline, compiled.input);
    return {
      ...common,
      isIndex: false,
      fills: output.name,
      records: needed === undefined ? common.records : compileRecordCodec(compiled.input.fields, needed),
      // With one stage, nothing moved the record from the key that it is partitioned by (key-lineage.ts).
      groupsByRecordKey: compiled.stages.length === 1,
      groupsByEntity: compiled.groupsByEntity,
      isSwept: !compiled.groupsByEntity && compiled.joins.length === 0,
      stages: compiled.stages,
      stageRows: compiled.stages.map((stage) => compileRowCodec(stage.fields)),
      fields: compiled.fields,
      keyOf: compiled.keyOf,
      measureValues: compiled.measureValues,
      publish: publishes
        ? compilePublish({
            pipeline,
            output,
            timeline,
            fields: compiled.fields,
            json,
            topic: datasetTopic(this.#deployment, output.name, output.version),
          })
        : undefined,
      joins: compiled.joins,
      historyUs: output.historyUs,
    };
  }

  #common({ id, name, version }: TimelineIdentity, dataset: DatasetDefinition) {
    const { name: datasetName, version: datasetVersion } = dataset;
    const records = compileRecordCodec(dataset.fields);
    const carryOver = this.#carryOvers.find(({ from, toVersion }) => from.name === datasetName && toVersion === datasetVersion);
    const source = this.#definitions.sources.find((candidate) => candidate.dataset === datasetName);
    const ofSourceUs = source === undefined ? dataset.maxLatenessUs : source.maxLatenessUs;
    return {
      id,
      name,
      version,
      dataset,
      topic: datasetTopic(this.#deployment, datasetName, datasetVersion),
      history: carryOver && { topic: historyTopic(this.#deployment, datasetName, datasetVersion) },
      deadTopic: deadLetterTopic(this.#deployment, datasetName, datasetVersion),
      records,
      entityOf:
        partitionFields(dataset).join() === dataset.keys.join() ? undefined : compileKeyOf(dataset.keys, dataset.fields, datasetName),
      wholeRecords: records,
      rights: NO_RIGHTS,
      upstream: [...this.#upstreamOf(datasetName), ...(carryOver === undefined ? [] : [carryOver.id])],
      maxLatenessUs: (lane: string) => (lane === PUSH_LANE ? dataset.maxLatenessUs : ofSourceUs),
    };
  }

  #upstreamOf(dataset: string): readonly number[] {
    const filling = this.#definitions.pipelines.filter((pipeline) => pipeline.output === dataset);
    return this.#identities
      .filter(({ name, version }) => filling.some((pipeline) => pipeline.name === name && pipeline.version === version))
      .map(({ id }) => id);
  }
}
