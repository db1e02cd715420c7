import type { Aggregation, Dataset, Feature, Featureset, Status } from '../status.js';
import { durationUs } from '../words.js';

/** What a feature is made of, as far as it is said in the definitions. */
export interface Origin {
  /** `count · 1h`, or what stands for it. */
  readonly text: string;
  /** How far back it looks: Infinity for everything before; undefined where it has no window. */
  readonly windowUs?: number;
  readonly aggregation?: Aggregation;
  readonly pipeline?: string;
}

export function originOf(feature: Feature, featureset: Featureset, status: Status): Origin {
  const { reads } = feature;
  if (reads?.kind === 'featureset') return { text: `${reads.name}.${reads.field}` };
  if (reads?.kind === 'dataset') {
    const found = aggregationOf(reads, status);
    if (found === undefined) return { text: `newest ${reads.name}.${reads.field}` };
    const { aggregation, pipeline } = found;
    const windowUs = durationUs(aggregation.window) ?? Number.POSITIVE_INFINITY;
    return { text: aggregationText(aggregation), windowUs, aggregation, pipeline };
  }
  const extractor = featureset.extractors.find(({ outputs }) => outputs.includes(feature.name));
  return { text: extractor === undefined ? 'given' : `${extractor.name}(${extractor.inputs.join(', ')})` };
}

/** Datasets whose own rows can be read for what the feature aggregates: indexed, and with the same key. */
export function readableInputs({ reads }: Feature, { pipeline }: Origin, status: Status): readonly Dataset[] {
  const inputs = status.pipelines.find(({ name }) => name === pipeline)?.input_datasets ?? [];
  const keys = status.datasets.find(({ name }) => name === reads?.name)?.keys ?? [];
  return status.datasets.filter((one) => inputs.includes(one.name) && one.index && JSON.stringify(one.keys) === JSON.stringify(keys));
}

function aggregationOf(
  reads: { readonly name: string; readonly field: string },
  { pipelines, jobs }: Status,
): { readonly aggregation: Aggregation; readonly pipeline: string } | undefined {
  for (const { name, output_dataset } of pipelines) {
    if (output_dataset !== reads.name) continue;
    const operators = jobs.find((job) => job.name === name)?.spec.pipeline_spec.operators ?? [];
    const aggregation = operators.flatMap(({ aggregations = [] }) => aggregations).find(({ field }) => field === reads.field);
    if (aggregation !== undefined) return { aggregation, pipeline: name };
  }
  return undefined;
}

/** `p90 of delay · 7d`. */
export function aggregationText({ operator, of, window, where, pct, k }: Aggregation): string {
  const name = operator === 'percentile' ? `p${pct ?? ''}` : operator === 'lastK' ? `last ${k ?? ''}` : operator;
  const condition = where === null ? '' : ` where ${where}`;
  return `${name}${of === null ? '' : ` of ${of}`}${condition} · ${window}`;
}
