import type { ConfigValue, DatasetDefinition, FeaturesetDefinition, PipelineDefinition, SourceDefinition, Step } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { JsonTree } from '../../libs/rest/json-text.js';
import type { ValueType } from '../../libs/schema/value-type.js';

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

export function datasetJson({ name, version, keys, timestamp, fields, index, publish }: DatasetDefinition): JsonTree {
  return { name, version: String(version), keys, timestamp, index, publish, fields: fields.map((field) => ({ name: field.name, dtype: dtypeOf(field.type), optional: field.type.optional })) };
}

export function pipelineJson({ name, version, inputs, output }: PipelineDefinition): JsonTree {
  return { name, version: String(version), input_datasets: inputs, output_dataset: output };
}

/** A featureset has no version of its own: it is as old as the revision that it stands in. */
export function featuresetJson({ name, entity, features, extractors }: FeaturesetDefinition, revision: Revision): { readonly [name: string]: JsonTree } {
  return {
    name,
    version: String(revision.number),
    entity,
    feature_count: features.length,
    features: features.map((feature) => ({ name: feature.name, dtype: dtypeOf(feature.type), id: feature.id, input: feature.input })),
    extractors: extractors.map((extractor) => ({ name: extractor.name, inputs: extractor.inputs, outputs: extractor.outputs, version: String(revision.number) })),
  };
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
export function jobJson(pipeline: PipelineDefinition, { definitions }: Revision, partitionCount: number): { readonly [name: string]: JsonTree } {
  const topicOf = (dataset: string): string => `${dataset}.v${definitions.datasets.find(({ name }) => name === dataset)?.version ?? 1}`;
  const latenesses = definitions.datasets.flatMap(({ name, maxLatenessUs }) => (pipeline.inputs.includes(name) && maxLatenessUs !== undefined ? [maxLatenessUs] : []));
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
  return { type: step.kind };
}

function aggregateJson({ aggregate }: PipelineDefinition): JsonTree[] {
  if (aggregate === undefined) return [];
  const aggregations = aggregate.aggregations.map(({ field, operator, of, windowUs }) => ({ field, operator, of: of ?? null, window: windowUs === null ? 'forever' : durationText(windowUs) }));
  return [{ type: 'aggregate', keys: aggregate.groupBy, aggregations }];
}

/** A secret is shown as the reference that it is kept as; there is nothing else to show. */
function configJson(value: ConfigValue): JsonTree {
  return typeof value === 'object' ? { secret: value.secret } : value;
}

const UNITS: readonly (readonly [string, number])[] = [['w', 604_800e6], ['d', 86_400e6], ['h', 3_600e6], ['m', 60e6], ['s', 1e6]];

/** `1h`, in the largest unit that gives a whole number. */
export function durationText(us: number): string {
  for (const [unit, unitUs] of UNITS) {
    if (us >= unitUs && us % unitUs === 0) return `${us / unitUs}${unit}`;
  }
  return `${us / 1e6}s`;
}
