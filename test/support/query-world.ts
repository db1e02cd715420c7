import { Applier } from '../../libs/change/applier.js';
import type { CommitRecord, Position, ReaderCounters } from '../../libs/change/change.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import type { DatasetDefinition, Definitions, FeatureDefinition, FeaturesetDefinition } from '../../libs/definition/definitions.js';
import { outputFields } from '../../libs/definition/step-schema.js';
import { Decimal } from '../../libs/definition/decimal.js';
import type { Revision, TimelineIdentity } from '../../libs/definition/revision.js';
import { AuthorModules } from '../../libs/feature/author-module.js';
import type { ExtractorFunction } from '../../libs/feature/bound-extractor.js';
import type { AuthorModule } from '../../libs/feature/revision-plans.js';
import { compilePipeline } from '../../libs/pipeline/compile.js';
import { compileIndexValues } from '../../libs/pipeline/measure-values.js';
import { INDEX_MEASURES, measuresOf } from '../../libs/pipeline/measures.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { Row, Value, ValueType } from '../../libs/schema/value-type.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { ManualClock } from '../../libs/time/clock.js';
import type { QueryCaller } from '../../services/query/answers.js';
import { QueryEngine } from '../../services/query/engine.js';
import type { QueryRun, RunRecorder } from '../../services/query/query-run.js';
import { TEST_TOKEN_KEY } from './test-keys.js';

export const HOUR_US = 3_600e6;
/** 2026-01-31T12:00:00Z. */
export const NOON_US = Date.UTC(2026, 0, 31, 12) * 1_000;

/** Required scalar types, and `optional` for the other half. */
export const types = {
  string: { kind: 'string', optional: false },
  int: { kind: 'int', optional: false },
  float: { kind: 'float', optional: false },
  bool: { kind: 'bool', optional: false },
  timestamp: { kind: 'timestamp', optional: false },
} as const;
export function optional(type: ValueType): ValueType {
  return { ...type, optional: true };
}

export function dataset(
  name: string,
  fields: Readonly<Record<string, ValueType>>,
  options: Partial<DatasetDefinition> = {},
): DatasetDefinition {
  return {
    name,
    version: 1,
    keys: ['user_id'],
    timestamp: 'at',
    index: true,
    publish: false,
    maxFutureUs: 600e6,
    expectations: [],
    fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
    ...options,
  };
}

export function featureset(
  name: string,
  features: readonly FeatureDefinition[],
  options: Partial<FeaturesetDefinition> = {},
): FeaturesetDefinition {
  return { name, entity: ['user_id'], features, extractors: [], ...options };
}

let nextFeatureId = 1;
export function feature(name: string, type: ValueType, options: Partial<FeatureDefinition> = {}): FeatureDefinition {
  return { name, type, id: nextFeatureId++, input: false, ...options };
}

export interface WorldOptions {
  readonly definitions: Definitions;
  readonly functions?: Readonly<Record<string, ExtractorFunction>>;
  readonly partitions?: number;
  readonly stores?: readonly Store[];
  /** Adopted without their timelines being ready. */
  readonly building?: boolean;
  /** Those that adopt them now; all of them where it is not said. */
  readonly adopters?: readonly number[];
}

/** A record of a dataset, and what is known about how it came. */
export interface Fed {
  readonly row: Row;
  readonly knownUs?: number;
}

/** A deployment's state without its write path: changes are folded straight into the replicas' stores. */
export class QueryWorld {
  readonly clock = new ManualClock(NOON_US);
  readonly views: ReplicaViews;
  readonly engine: QueryEngine;
  readonly runs: QueryRun[] = [];
  /** What the aggregator would report with the next tick. */
  positions: Position[] = [];
  counters: ReaderCounters[] = [];
  readonly #partitions: { readonly view: PartitionView; readonly applier: Applier }[];
  readonly #modules = new Map<number, AuthorModule>();
  #revision: Revision | undefined;
  #order = 0;

  private constructor(partitions: { readonly view: PartitionView; readonly applier: Applier }[], recorder?: RunRecorder) {
    this.#partitions = partitions;
    const views = partitions.map(({ view }) => view);
    this.views = {
      partitionCount: views.length,
      partitions: views.map(({ partition }) => partition),
      view: (partition) => views[partition] ?? fail('no such partition'),
    };
    const runs: RunRecorder = recorder ?? {
      newId: (createdUs) => `run-${createdUs}-${this.runs.length}`,
      record: (query) => void this.runs.push(query.toRun()),
    };
    const bundles = new AuthorModules();
    this.engine = new QueryEngine({
      views: this.views,
      clock: this.clock,
      runs,
      tokenKey: TEST_TOKEN_KEY,
      evaluate: (revision) => this.#modules.get(revision.number) ?? bundles.evaluate(revision),
    });
  }

  static async create(options: WorldOptions, recorder?: RunRecorder): Promise<QueryWorld> {
    const partitions = [];
    for (let partition = 0; partition < (options.partitions ?? 1); partition++) {
      const applier = await Applier.open(options.stores?.[partition] ?? new MemoryStore());
      const view = new PartitionView(partition, () => 5_000);
      view.attach(applier);
      partitions.push({ view, applier });
    }
    const world = new QueryWorld(partitions, recorder);
    await world.adopt(options);
    return world;
  }

  get revision(): Revision {
    return this.#revision ?? fail('nothing was adopted');
  }

  /** Commits a revision; its timelines keep the ids that their names have. */
  async adopt({ definitions, functions = {}, building = false, adopters }: WorldOptions): Promise<void> {
    const known = this.#revision?.timelines ?? [];
    const timelines = timelinesOf(definitions).map((timeline, i): TimelineIdentity => ({
      ...timeline,
      id: known.find(({ name, version }) => name === timeline.name && version === timeline.version)?.id ?? known.length + i + 1,
    }));
    const number = (this.#revision?.number ?? 0) + 1;
    const revision = { number, createdUs: NOON_US, definitions, bundle: { sha256: '', code: '' }, timelines };
    this.#modules.set(number, { functions: new Map(Object.entries(functions)), datasetNameOf: (name) => String(name), decimal: Decimal });
    await this.adoptRevision(revision, building, adopters);
  }

  async adoptRevision(revision: Revision, building = false, adopters = this.views.partitions): Promise<void> {
    this.#revision = revision;
    for (const { view, applier } of this.#partitions) {
      if (!adopters.includes(view.partition)) continue;
      applier.fold({ kind: 'revision', revision });
      if (!building) for (const { id } of revision.timelines) applier.fold({ kind: 'ready', timelineId: id });
    }
    await this.tick();
  }

  async ready(name: string, partitions = this.#partitions.map(({ view }) => view.partition)): Promise<void> {
    for (const partition of partitions) this.#partitions[partition]?.applier.fold({ kind: 'ready', timelineId: this.idOf(name) });
    await this.tick();
  }

  async trim(name: string, horizonUs: number): Promise<void> {
    for (const { applier } of this.#partitions) applier.fold({ kind: 'trimmed', timelineId: this.idOf(name), horizonUs });
    await this.tick();
  }

  /** Folds the dataset's records into its index and into every pipeline that reads it, without a tick. */
  fold(datasetName: string, records: readonly Fed[]): void {
    const { definitions, timelines } = this.revision;
    const source = definitions.datasets.find(({ name }) => name === datasetName) ?? fail(datasetName);
    const timeAt = source.fields.findIndex(({ name }) => name === source.timestamp);
    for (const timeline of timelines) {
      const into = this.#columnsOf(timeline, source);
      if (into === undefined) continue;
      for (const { row, knownUs } of records) {
        const columns = into(row);
        const eventTimeUs = Number(row[timeAt]);
        if (columns === undefined) continue;
        const partition = partitionOf(slotOf(columns.key), this.#partitions.length);
        this.#partitions[partition]?.applier.fold({
          kind: 'rows',
          timelineId: timeline.id,
          groupKey: columns.key,
          rows: [
            { eventTimeUs, orderSource: partition, orderOffset: this.#order++, knownUs: knownUs ?? eventTimeUs, values: columns.values },
          ],
        });
      }
    }
  }

  async feed(datasetName: string, records: readonly Fed[]): Promise<void> {
    this.fold(datasetName, records);
    await this.tick();
  }

  async tick(): Promise<void> {
    for (const { view, applier } of this.#partitions) {
      const commit: CommitRecord = {
        epoch: 1,
        seq: applier.seq + 1,
        prevSeq: applier.seq,
        revision: this.revision.number,
        clockUs: this.clock.nowUs(),
        positions: this.positions,
        cursors: [],
        hops: [],
        counters: this.counters,
      };
      await applier.commit(commit);
      view.committed();
    }
  }

  /** The partition's store is being opened again. */
  async withoutPartition(partition: number, body: () => Promise<void>): Promise<void> {
    const { view, applier } = this.#partitions[partition] ?? fail('no such partition');
    view.attach(undefined);
    await body();
    view.attach(applier);
  }

  idOf(name: string): number {
    return this.revision.timelines.find((timeline) => timeline.name === name)?.id ?? fail(name);
  }

  #columnsOf(
    timeline: TimelineIdentity,
    source: DatasetDefinition,
  ): ((row: Row) => { key: Uint8Array; values: readonly (number | Uint8Array | null)[] } | undefined) | undefined {
    const { definitions } = this.revision;
    if (timeline.name === `index:${source.name}`) {
      const indices = source.keys.map((key) => source.fields.findIndex(({ name }) => name === key));
      const encode = compileKeyEncoder(
        indices.flatMap((index) => source.fields[index] ?? []),
        source.name,
      );
      const values = compileIndexValues(source.fields);
      return (row) => ({ key: encode(indices.map((index) => row[index] ?? null)), values: values(row) });
    }
    const pipeline = definitions.pipelines.find(({ name }) => name === timeline.name);
    if (pipeline?.inputs[0] !== source.name) return undefined;
    const datasets = new Map(definitions.datasets.map((one) => [one.name, one]));
    const compiled = compilePipeline(pipeline, timeline.measures, {
      datasets,
      functions: { transform: () => undefined, decimal: Decimal },
      place: pipeline.name,
    });
    return (row) => {
      let passed: Row | undefined = row;
      for (const step of compiled.stages.flatMap(({ steps }) => steps))
        passed = passed && step(passed, { eventTimeUs: 0, newest: () => undefined });
      const key = passed && compiled.keyOf(passed);
      return passed && key && { key, values: compiled.measureValues?.(passed) ?? [] };
    };
  }
}

export const caller: QueryCaller = { signal: new AbortController().signal };

function timelinesOf(definitions: Definitions): Omit<TimelineIdentity, 'id'>[] {
  const datasets = new Map(definitions.datasets.map((one) => [one.name, one]));
  const aggregated = definitions.pipelines.filter(({ aggregate }) => aggregate !== undefined);
  const indexed = definitions.datasets.filter(({ name, index }) => index && !aggregated.some(({ output }) => output === name));
  return [
    ...aggregated.map((pipeline) => ({
      name: pipeline.name,
      version: pipeline.version,
      measures: measuresOf(pipeline, outputFields(pipeline, datasets).at(-1) ?? []),
    })),
    ...indexed.map(({ name, version }) => ({ name: `index:${name}`, version, measures: INDEX_MEASURES })),
  ];
}

export function objectOf(columns: readonly { readonly name: string }[], row: Row | null): Readonly<Record<string, Value>> | null {
  return row === null ? null : Object.fromEntries(columns.map(({ name }, i) => [name, row[i] ?? null]));
}

function fail(what: string): never {
  throw new Error(what);
}
