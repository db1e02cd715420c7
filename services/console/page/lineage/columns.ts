// Which column makes which: from the fields of datasets through steps and aggregations to features. As far as the definitions say it: a
// step that is an author's function may read any column, so whatever it makes stands on all of them.
import type { Aggregation, Featureset, Pipeline, Status } from '../status.js';
import type { LineageEdge } from './graph.js';

/** `dataset Flight delay`, `featureset AirportDelay flights_1h`. */
export function columnId(kind: 'dataset' | 'featureset', owner: string, column: string): string {
  return JSON.stringify([kind, owner, column]);
}

export interface Column {
  readonly kind: 'dataset' | 'featureset';
  readonly owner: string;
  readonly name: string;
}

export function columnOf(id: string): Column {
  const [kind, owner, name] = JSON.parse(id) as readonly [Column['kind'], string, string]; // as columnId wrote it
  return { kind, owner, name };
}

/** From each column to those that are made of it. */
export function columnEdges(status: Status): readonly LineageEdge[] {
  return [...status.pipelines.flatMap((pipeline) => edgesThrough(pipeline, status)), ...status.featuresets.flatMap(edgesWithin)];
}

function edgesThrough({ name, input_datasets, output_dataset }: Pipeline, { datasets, jobs }: Status): readonly LineageEdge[] {
  const operators = jobs.find((job) => job.name === name)?.spec.pipeline_spec.operators ?? [];
  const aggregations = operators.flatMap((operator) => operator.aggregations ?? []);
  const steps = operators.filter((operator) => operator.aggregations === undefined);
  const groupedBy = operators.flatMap((operator) => operator.keys ?? []);
  const output = datasets.find((dataset) => dataset.name === output_dataset);
  const outputs = output?.fields.map((field) => field.name) ?? [];
  return input_datasets.flatMap((input) => {
    const { fields = [], timestamp } = datasets.find((dataset) => dataset.name === input) ?? {};
    return fields.flatMap((field) => {
      const isInSteps =
        field.name === timestamp ||
        groupedBy.includes(field.name) ||
        steps.some(({ type, text }) => isOpaque(type) || names(text, field.name));
      const made = outputs.filter(
        (one) =>
          isInSteps ||
          one === field.name ||
          aggregations.some((aggregation) => aggregation.field === one && reads(aggregation, field.name)),
      );
      return made.map((one) => ({ from: columnId('dataset', input, field.name), to: columnId('dataset', output_dataset, one) }));
    });
  });
}

/** Steps whose text does not say which columns they read. */
function isOpaque(type: string): boolean {
  return type === 'transform';
}

function reads({ of, where }: Aggregation, column: string): boolean {
  return of === column || (where !== null && names(where, column));
}

/** Whether the text has the name as a word of its own. */
function names(text: string, column: string): boolean {
  return text.split(/[^\w$]+/).includes(column);
}

function edgesWithin({ name, features, extractors }: Featureset): readonly LineageEdge[] {
  const to = (feature: string): string => columnId('featureset', name, feature);
  return [
    ...features.flatMap(({ name: feature, reads: read }) =>
      read === null ? [] : [{ from: columnId(read.kind, read.name, read.field), to: to(feature) }],
    ),
    ...extractors.flatMap(({ inputs, outputs }) =>
      inputs.flatMap((input) => outputs.map((output) => ({ from: to(input), to: to(output) }))),
    ),
  ];
}
