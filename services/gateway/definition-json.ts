import type {
  Aggregation,
  ConfigValue,
  DatasetDefinition,
  FeatureDefinition,
  FeaturesetDefinition,
  Metadata,
  PipelineDefinition,
  SourceDefinition,
  Step,
} from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { JsonFloat, type JsonTree } from '../../libs/rest/json-text.js';
import type { Value, ValueType } from '../../libs/schema/value-type.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { expressionText } from './expression-text.js';

// What is committed, in the shapes of the published client and web UI (REST 3 and 14).

/** The type in the published client's words. */
export function dtypeOf(type: ValueType): string {
  switch (type.kind) {
    case 'string':
    case 'enum':
      return 'str';
    case 'timestamp':
      return 'datetime';
    case 'list':
      return `list[${dtypeOf(type.of)}]`;
    case 'struct':
      return 'dict';
    default:
      return type.kind;
  }
}

/** The type with all that it says: a client that is made from it needs no definitions. */
function typeJson(type: ValueType): JsonTree {
  const { kind, optional } = type;
  switch (type.kind) {
    case 'enum':
      return { kind, optional, values: type.values };
    case 'list':
      return { kind, optional, of: typeJson(type.of) };
    case 'struct':
      return { kind, optional, fields: type.fields.map((field) => ({ name: field.name, type: typeJson(field.type) })) };
    default:
      return { kind, optional };
  }
}

export function datasetJson(dataset: DatasetDefinition): JsonTree {
  const { name, version, keys, timestamp, fields, index, publish, maxLatenessUs, historyUs, cdc } = dataset;
  return {
    name,
    version: String(version),
    ...metadataJson(dataset),
    max_lateness: maxLatenessUs === undefined ? '' : durationText(maxLatenessUs),
    history: historyUs === undefined ? '' : durationText(historyUs),
    keys,
    timestamp,
    index,
    publish,
    cdc: cdc?.mode ?? 'append',
    row_key: cdc?.rowKey ?? [],
    fields: fields.map(({ name: field, type }) => ({ name: field, dtype: dtypeOf(type), optional: type.optional, type: typeJson(type) })),
  };
}

function metadataJson({ description, owner, tags, deprecated }: Metadata): { readonly [name: string]: JsonTree } {
  return { description: description ?? '', owner: owner ?? '', tags: tags ?? [], deprecated: deprecated ?? false };
}

export function pipelineJson(pipeline: PipelineDefinition): JsonTree {
  const { name, version, inputs, output } = pipeline;
  return { name, version: String(version), ...metadataJson(pipeline), input_datasets: inputs, output_dataset: output };
}

/** A featureset has no version of its own: it is as old as the revision that it stands in. */
export function featuresetJson(featureset: FeaturesetDefinition, revision: Revision): { readonly [name: string]: JsonTree } {
  const { name, entity, features, extractors } = featureset;
  return {
    name,
    version: String(revision.number),
    ...metadataJson(featureset),
    entity,
    feature_count: features.length,
    features: features.map(featureJson),
    extractors: extractors.map((extractor) => ({
      name: extractor.name,
      inputs: extractor.inputs,
      outputs: extractor.outputs,
      version: String(revision.number),
    })),
  };
}

/** `reads` is where its value comes from; null for what an extractor or the request gives, and for the key. */
function featureJson(feature: FeatureDefinition): JsonTree {
  const { name, type, id, input, ref, from } = feature;
  const reads =
    ref !== undefined
      ? { kind: 'dataset', name: ref.dataset, field: ref.field }
      : from !== undefined
        ? { kind: 'featureset', name: from.featureset, field: from.feature }
        : null;
  return {
    name,
    dtype: dtypeOf(type),
    optional: type.optional,
    type: typeJson(type),
    id,
    input,
    ...metadataJson(feature),
    reads,
    default: feature.default === undefined ? null : defaultJson(feature.default, type),
  };
}

function defaultJson(value: Value, type: ValueType): JsonTree {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'number')
    return type.kind === 'float' ? new JsonFloat(value) : type.kind === 'timestamp' ? formatTimestamp(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  return value.map((one, i) => defaultJson(one, type.kind === 'list' ? type.of : type.kind === 'struct' ? type.fields[i]!.type : type));
}

export function sourceJson(source: SourceDefinition): { readonly [name: string]: JsonTree } {
  const { dataset, connector, config, cursor, everyUs, maxLatenessUs, cdc } = source;
  return {
    id: `${dataset}.${connector}`,
    dataset,
    connector_type: connector,
    config: new Map(Object.entries(config).map(([name, value]) => [name, configJson(value)])),
    cursor_field: cursor ?? '',
    cursor_value: null,
    poll_interval: everyUs === undefined ? '' : durationText(everyUs),
    max_lateness: maxLatenessUs === undefined ? '' : durationText(maxLatenessUs),
    cdc,
  };
}

/** A pipeline as the job that runs it. */
export function jobJson(
  pipeline: PipelineDefinition,
  { definitions }: Revision,
  partitionCount: number,
): { readonly [name: string]: JsonTree } {
  const topicOf = (dataset: string): string => `${dataset}.v${definitions.datasets.find(({ name }) => name === dataset)?.version ?? 1}`;
  const latenesses = definitions.datasets.flatMap(({ name, maxLatenessUs }) =>
    pipeline.inputs.includes(name) && maxLatenessUs !== undefined ? [maxLatenessUs] : [],
  );
  return {
    id: `${pipeline.name}.v${pipeline.version}`,
    name: pipeline.name,
    version: String(pipeline.version),
    job_type: pipeline.aggregate === undefined ? 'derivation' : 'aggregation',
    partition_count: partitionCount,
    spec: {
      input_topic: pipeline.inputs.map(topicOf).join(','),
      output_topic: topicOf(pipeline.output),
      replaylog_topic: 'changes',
      pipeline_spec: {
        operators: [...pipeline.steps.map(stepJson), ...aggregateJson(pipeline)],
        max_lateness: latenesses.length === 0 ? '' : durationText(Math.max(...latenesses)),
      },
    },
  };
}

function stepJson(step: Step): JsonTree {
  return { type: step.kind, text: stepText(step) };
}

/** What a step does, in words. */
function stepText(step: Step): string {
  switch (step.kind) {
    case 'filter':
      return `keeps records where ${expressionText(step.where)}`;
    case 'assign':
      return step.columns.map(({ name, value }) => `${name} becomes ${expressionText(value)}`).join('; ');
    case 'transform':
      return step.adds.length === 0
        ? "the author's function"
        : `the author's function adds ${step.adds.map(({ name }) => name).join(', ')}`;
    case 'select':
      return `keeps the fields ${step.names.join(', ')}`;
    case 'rename':
      return `calls ${step.from} ${step.to}`;
    case 'join':
      return `joins ${step.dataset} on ${step.on.join(', ')} (${step.how})`;
  }
}

function aggregateJson({ aggregate }: PipelineDefinition): JsonTree[] {
  if (aggregate === undefined) return [];
  const { groupBy, aggregations } = aggregate;
  return [{ type: 'aggregate', text: `groups by ${groupBy.join(', ')}`, keys: groupBy, aggregations: aggregations.map(aggregationJson) }];
}

function aggregationJson({ field, operator, of, windowUs, where, pct, k }: Aggregation): JsonTree {
  return {
    field,
    operator,
    of: of ?? null,
    window: windowUs === null ? 'forever' : durationText(windowUs),
    where: where === undefined ? null : expressionText(where),
    pct: pct ?? null,
    k: k ?? null,
  };
}

/** A secret is shown as the reference that it is kept as; there is nothing else to show. */
function configJson(value: ConfigValue): JsonTree {
  return typeof value === 'object' ? { secret: value.secret } : value;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['w', 604_800e6],
  ['d', 86_400e6],
  ['h', 3_600e6],
  ['m', 60e6],
  ['s', 1e6],
];

/** `1h`, in the largest unit that gives a whole number. */
export function durationText(us: number): string {
  for (const [unit, unitUs] of UNITS) {
    if (us >= unitUs && us % unitUs === 0) return `${us / unitUs}${unit}`;
  }
  return `${us / 1e6}s`;
}
