import { compileRowCodec, type RowCodec } from '../codec/row-codec.js';
import type { Aggregation, DatasetDefinition, PipelineDefinition } from '../definition/definitions.js';
import type { Measure, Revision, TimelineIdentity } from '../definition/revision.js';
import { invalidArgument, nearestName } from '../errors/errors.js';
import { compileFinish } from '../pipeline/answers.js';
import { compileFromColumn } from '../pipeline/column-values.js';
import { INDEX_MEASURES, INDEX_QUESTION, questionsOf, shapeOf } from '../pipeline/measures.js';
import { isRetractable } from '../pipeline/retractable.js';
import type { Row, Value, ValueType } from '../schema/value-type.js';
import type { TimelineShape } from '../timeline/timeline.js';
import { EntityKeys, keyFieldsOf } from './entity-keys.js';
import { unservable } from './feature-errors.js';
import { RowListing } from './row-listing.js';
import type { EntityKey, ReadContext } from './state-access.js';
import { TimelineRead, type PlacedQuestion } from './timeline-read.js';

/** A field that a read must give, and the name that errors about it bear. */
export interface WantedField {
  readonly field: string;
  readonly place: string;
}

/** The groups of a timeline, and the entities that they are of. */
export interface EntityGroups {
  /** A group's key has the parts of the entity's in another order, and so lies in another slot. */
  readonly isTurned: boolean;
  readonly of: (entity: EntityKey) => EntityKey;
  /** Takes the values of a group's key. */
  readonly entityOf: (values: Row) => EntityKey;
}

/** Reads wanted fields of one entity: a value for each, null throughout where there is no row. */
export interface FieldRead {
  readonly timelineId: number;
  readonly groups: EntityGroups;
  read(key: EntityKey, context: ReadContext): readonly Value[];
}

/**
 * How a dataset's rows are read: an aggregated one from the timelines of its pipelines, whose windows
 * always have an answer (S5); any other from its index.
 */
export class DatasetPlan {
  readonly keys: EntityKeys;
  readonly timelineIds: readonly number[];
  readonly isAggregated: boolean;
  readonly #sources: readonly FieldSource[];
  readonly #whole: readonly { readonly read: FieldRead; readonly columns: readonly number[] }[];
  readonly #timestampColumn: number;

  constructor(
    readonly dataset: DatasetDefinition,
    revision: Revision,
  ) {
    this.keys = new EntityKeys(keyFieldsOf(dataset), dataset.name);
    const pipelines = revision.definitions.pipelines.filter(({ output, aggregate }) => output === dataset.name && aggregate !== undefined);
    this.isAggregated = pipelines.length > 0;
    this.#sources = this.isAggregated
      ? pipelines.map((pipeline) => new PipelineSource(dataset, pipeline, timelineOf(revision, pipeline)))
      : [new IndexSource(dataset, identityOf(revision, `index:${dataset.name}`, dataset.version))];
    this.timelineIds = this.#sources.map((source) => source.timelineId);
    const wanted = dataset.fields.map(({ name }) => ({ field: name, place: `${dataset.name}.${name}` }));
    this.#whole = this.reads(wanted);
    this.#timestampColumn = dataset.fields.findIndex(({ name }) => name === dataset.timestamp);
  }

  /** One read for each timeline that the fields come from; `columns` says which of `wanted` each of its values is. */
  reads(wanted: readonly WantedField[]): readonly { readonly read: FieldRead; readonly columns: readonly number[] }[] {
    const columnsOf = new Map<FieldSource, number[]>();
    for (const [column, { field, place }] of wanted.entries()) {
      const source = this.#sources.find((candidate) => candidate.has(field));
      if (source === undefined) throw unservable(place, `reads ${this.dataset.name}.${field}, which is no field that a pipeline fills`);
      columnsOf.set(source, [...(columnsOf.get(source) ?? []), column]);
    }
    return [...columnsOf].map(([source, columns]) => ({ columns, read: source.read(columns.flatMap((column) => wanted[column] ?? [])) }));
  }

  /** The rows that a field that a pipeline fills is made of; without a field, those of a dataset that no pipeline fills. */
  listing(field: string | undefined): RowListing {
    const aggregated = this.#sources.flatMap((source) => source.aggregatedFields);
    if (this.isAggregated !== (field !== undefined && aggregated.includes(field))) throw noListing(this, field, aggregated);
    const source = this.#sources.find((candidate) => field === undefined || candidate.has(field)) ?? this.#sources[0];
    if (source === undefined) throw noListing(this, field, aggregated);
    return source.listing(field ?? '');
  }

  /** The dataset's row as of the instant; null where an index has none (S5). */
  row(key: EntityKey, context: ReadContext): Row | null {
    for (const id of this.timelineIds) context.state.requireReady(id);
    const row = new Array<Value>(this.dataset.fields.length).fill(null);
    for (const { read, columns } of this.#whole) {
      const values = read.read(key, context);
      for (let i = 0; i < columns.length; i++) row[columns[i] ?? 0] = values[i] ?? null;
    }
    // The event time is never null, so a row without one is no row.
    return row[this.#timestampColumn] === null ? null : row;
  }
}

/** One timeline that fields of a dataset come from. */
interface FieldSource {
  readonly timelineId: number;
  readonly aggregatedFields: readonly string[];
  has(field: string): boolean;
  listing(field: string): RowListing;
  read(wanted: readonly WantedField[]): FieldRead;
}

class PipelineSource implements FieldSource {
  readonly #aggregations: ReadonlyMap<string, Aggregation>;
  readonly #measures: readonly Measure[];
  readonly #shape: TimelineShape;
  readonly #groups: EntityGroups;
  readonly timelineId: number;

  constructor(
    readonly dataset: DatasetDefinition,
    pipeline: PipelineDefinition,
    { identity, shape }: { readonly identity: TimelineIdentity; readonly shape: TimelineShape },
  ) {
    this.timelineId = identity.id;
    this.#measures = identity.measures;
    this.#shape = shape;
    this.#groups = compileGroups(dataset, pipeline.aggregate?.groupBy ?? []);
    this.#aggregations = new Map(pipeline.aggregate?.aggregations.map((aggregation) => [aggregation.field, aggregation]));
  }

  has(field: string): boolean {
    return this.#aggregations.has(field) || field === this.dataset.timestamp || this.dataset.keys.includes(field);
  }

  get aggregatedFields(): readonly string[] {
    return [...this.#aggregations.keys()];
  }

  listing(field: string): RowListing {
    const aggregation = this.#aggregations.get(field);
    const place = `${this.dataset.name}.${field}`;
    const [question] = aggregation === undefined ? [] : questionsOf([aggregation], this.#measures);
    if (aggregation === undefined || question === undefined) throw unservable(place, 'is no aggregation');
    const column = question.column;
    const type = column === undefined || aggregation.of === undefined ? undefined : this.#measures[column]?.type;
    const decode = type === undefined ? undefined : compileFromColumn(type);
    return new RowListing({
      timelineId: this.timelineId,
      shape: this.#shape,
      groupOf: this.#groups.of,
      place,
      question,
      value: { type: typeOf(this.dataset, field), finish: compileFinish(aggregation, typeOf(this.dataset, field), place) },
      columns: type === undefined ? [] : [{ name: aggregation.of ?? '', type: { ...type, optional: true } }],
      valuesOf: (row) => (decode === undefined ? [] : [decode(row.values[column ?? 0] ?? null)]),
    });
  }

  read(wanted: readonly WantedField[]): FieldRead {
    const asked = wanted.flatMap(({ field, place }) => {
      const aggregation = this.#aggregations.get(field);
      return aggregation === undefined ? [] : [{ aggregation, place }];
    });
    const questions = questionsOf(
      asked.map(({ aggregation }) => aggregation),
      this.#measures,
    );
    const placed = questions.map((question, i): PlacedQuestion => ({ question, place: asked[i]?.place ?? '' }));
    const timeline = new TimelineRead(this.timelineId, this.#shape, placed);
    const finishers = this.#finishers(wanted);
    const groups = this.#groups;
    return {
      timelineId: this.timelineId,
      groups,
      read: (key, context) => {
        const answers = timeline.read(groups.of(key), context);
        return finishers.map((finish) => finish(answers, key, context));
      },
    };
  }

  /** A wanted field's value: of an aggregation its answer, of a key the entity's, of the timestamp T. */
  #finishers(wanted: readonly WantedField[]): readonly ((answers: Answers, key: EntityKey, context: ReadContext) => Value)[] {
    let asked = 0;
    return wanted.map(({ field, place }) => {
      const aggregation = this.#aggregations.get(field);
      if (aggregation === undefined) {
        const part = this.dataset.keys.indexOf(field);
        return part >= 0 ? (_, key) => key.values[part] ?? null : (_, __, context) => context.instant.asOfUs;
      }
      const index = asked++;
      const finish = compileFinish(aggregation, typeOf(this.dataset, field), place);
      return (answers) => finish(answers[index] ?? null);
    });
  }
}

/** A group's key has its parts in the order of `groupBy`, an entity's in that of the dataset's key fields. */
function compileGroups(dataset: DatasetDefinition, groupBy: readonly string[]): EntityGroups {
  const parts = groupBy.map((name) => dataset.keys.indexOf(name));
  if (parts.length !== dataset.keys.length || parts.includes(-1))
    throw unservable(dataset.name, 'has other key fields than its pipeline groups by: make them the same');
  const fields = keyFieldsOf(dataset);
  if (parts.every((part, i) => part === i)) return plainGroups(dataset);
  const entities = new EntityKeys(fields, dataset.name);
  const groups = new EntityKeys(
    parts.flatMap((part) => fields[part] ?? []),
    dataset.name,
  );
  return {
    isTurned: true,
    of: (key) => groups.of(parts.map((part) => key.values[part] ?? null)),
    entityOf: (values) => entities.of(fields.map((_, i) => values[parts.indexOf(i)] ?? null)),
  };
}

function plainGroups(dataset: DatasetDefinition): EntityGroups {
  const entities = new EntityKeys(keyFieldsOf(dataset), dataset.name);
  return { isTurned: false, of: (key) => key, entityOf: (values) => entities.of(values) };
}

function typeOf(dataset: DatasetDefinition, field: string): ValueType {
  const type = dataset.fields.find(({ name }) => name === field)?.type;
  if (type === undefined) throw unservable(`${dataset.name}.${field}`, 'is filled by a pipeline, but is no field');
  return type;
}

function noListing({ dataset, isAggregated }: DatasetPlan, field: string | undefined, aggregated: readonly string[]): Error {
  if (!isAggregated)
    return invalidArgument(
      'field',
      `${dataset.name} is filled by no pipeline, so its rows are whole: leave field away, and send window for a part`,
    );
  const nearest = field === undefined ? undefined : nearestName(field, aggregated);
  const hint = nearest === undefined ? `send one of ${aggregated.join(', ')}` : `did you mean '${nearest}'?`;
  return invalidArgument('field', field === undefined ? `is missing: ${hint}` : `${dataset.name} has no aggregation of that name; ${hint}`);
}

type Answers = ReturnType<TimelineRead['read']>;

class IndexSource implements FieldSource {
  readonly #codec: RowCodec;
  readonly timelineId: number;

  constructor(
    readonly dataset: DatasetDefinition,
    identity: TimelineIdentity,
  ) {
    this.timelineId = identity.id;
    this.#codec = compileRowCodec(dataset.fields);
  }

  readonly aggregatedFields: readonly string[] = [];

  listing(): RowListing {
    const { name, fields, cdc } = this.dataset;
    return new RowListing({
      timelineId: this.timelineId,
      shape: shapeOf(INDEX_MEASURES, cdc !== undefined),
      groupOf: (key) => key,
      place: name,
      question: INDEX_QUESTION,
      columns: fields,
      valuesOf: ({ values: [bytes] }) => (bytes instanceof Uint8Array ? this.#codec.decode(Buffer.from(bytes), 0) : []),
    });
  }

  has(field: string): boolean {
    return this.dataset.fields.some(({ name }) => name === field);
  }

  read(wanted: readonly WantedField[]): FieldRead {
    const columns = wanted.map(({ field }) => this.dataset.fields.findIndex(({ name }) => name === field));
    const place = wanted[0]?.place ?? this.dataset.name;
    const timeline = new TimelineRead(this.timelineId, shapeOf(INDEX_MEASURES, this.dataset.cdc !== undefined), [
      { place, question: INDEX_QUESTION },
    ]);
    return {
      timelineId: this.timelineId,
      groups: plainGroups(this.dataset),
      read: (key, context) => {
        const [newest] = timeline.read(key, context);
        const bytes = Array.isArray(newest) ? (newest[0] as unknown) : undefined;
        const row = bytes instanceof Uint8Array ? this.#codec.decode(bytes, 0) : [];
        return columns.map((column) => row[column] ?? null);
      },
    };
  }
}

function timelineOf(
  revision: Revision,
  { name, version }: PipelineDefinition,
): { readonly identity: TimelineIdentity; readonly shape: TimelineShape } {
  const identity = identityOf(revision, name, version);
  return { identity, shape: shapeOf(identity.measures, isRetractable(revision.definitions, identity)) };
}

function identityOf(revision: Revision, name: string, version: number): TimelineIdentity {
  const identity = revision.timelines.find((timeline) => timeline.name === name && timeline.version === version);
  if (identity === undefined)
    throw unservable(name, `has no timeline of version ${version}: give the dataset { index: true }, or a pipeline that aggregates it`);
  return identity;
}
