import { cellOf } from './answer-tables.js';
import { progressText, type CommittedDataset, type CommittedFeature, type CommittedFeatureset } from './committed-status.js';
import type { EntityRows, Inspection, PipelineState } from './inspection.js';
import { tableLines } from './table-lines.js';

/** What `thyme inspect` found, as a person reads it. */
export function inspectionLines(found: Inspection): readonly string[] {
  const { name, version, description } = found.definition;
  // A featureset has no version of its own: it is as old as the revision that it stands in.
  const title = found.kind === 'featureset' ? `featureset ${name}, of revision ${version}` : `${found.kind} ${name}, version ${version}`;
  return [title, ...(description === '' ? [] : [description]), ...bodyLines(found), ...rowLines(found.rows)];
}

function bodyLines(found: Inspection): readonly string[] {
  switch (found.kind) {
    case 'dataset':
      return [
        ...datasetLines(found.definition),
        `filled by ${found.filled_by}`,
        ...(found.read_by.length === 0 ? [] : [`read by ${found.read_by.join(', ')}`]),
        ...fieldLines(found.definition),
        ...pipelineLines(found.pipelines),
      ];
    case 'pipeline':
      return [
        `from ${found.definition.input_datasets.join(', ')} into ${found.definition.output_dataset}`,
        ...found.operators.map((text) => `  ${text}`),
        ...pipelineLines(found.state === null ? [] : [found.state]),
      ];
    case 'featureset':
      return featuresetLines(found.definition);
  }
}

function datasetLines({
  keys,
  timestamp,
  index,
  publish,
  history,
  max_lateness: lateness,
  cdc,
  row_key: rowKey,
}: CommittedDataset): readonly string[] {
  const kept = [
    ...(index ? ['index'] : []),
    ...(publish ? ['published'] : []),
    ...(history === '' ? [] : [`history of ${history}`]),
    ...(lateness === '' ? [] : [`up to ${lateness} late`]),
    ...(cdc === 'append' ? [] : [`${cdc} by ${rowKey.join(', ')}`]),
  ];
  const keyed = keys.length === 0 ? 'no key' : `key ${keys.join(', ')}`;
  return [`${keyed}; time ${timestamp}${kept.length === 0 ? '' : `; ${kept.join(', ')}`}`];
}

function fieldLines({ fields }: CommittedDataset): readonly string[] {
  const rows = fields.map(({ name, dtype, optional }) => [name, optional ? `${dtype} or null` : dtype]);
  return ['', ...tableLines(['FIELD', 'TYPE'], rows)];
}

function pipelineLines(states: readonly PipelineState[]): readonly string[] {
  if (states.length === 0) return [];
  const rows = states.map((of) => [
    of.name,
    of.version,
    progressText(of),
    ...[of.read, of.applied, of.late_dropped, of.failed].map(String),
  ]);
  return ['', ...tableLines(['PIPELINE', 'VERSION', 'STATE', 'READ', 'APPLIED', 'LATE', 'FAILED'], rows)];
}

function featuresetLines({ entity, features, extractors }: CommittedFeatureset): readonly string[] {
  const originOf = (feature: CommittedFeature): string => {
    if (feature.reads !== null) return `${feature.reads.name}.${feature.reads.field}`;
    if (feature.input) return 'the request';
    return extractors.find(({ outputs }) => outputs.includes(feature.name))?.name ?? (entity.includes(feature.name) ? 'the key' : '-');
  };
  const rows = features.map((feature) => [
    feature.name,
    feature.optional ? `${feature.dtype} or null` : feature.dtype,
    originOf(feature),
    cellOf(feature.default),
  ]);
  return [`key ${entity.join(', ')}`, '', ...tableLines(['FEATURE', 'TYPE', 'FROM', 'DEFAULT'], rows), ...extractorLines(extractors)];
}

function extractorLines(extractors: CommittedFeatureset['extractors']): readonly string[] {
  if (extractors.length === 0) return [];
  const rows = extractors.map(({ name, inputs, outputs }) => [name, inputs.join(', '), outputs.join(', ')]);
  return ['', ...tableLines(['EXTRACTOR', 'TAKES', 'GIVES'], rows)];
}

function rowLines(found: EntityRows | null): readonly string[] {
  if (found === null) return [];
  const of = `${cellOf(found.entity)}, as of ${found.as_of}`;
  const [first] = found.rows;
  if (first === undefined) return ['', `no row of ${of}`];
  const names = Object.keys(first.values);
  const rows = found.rows.map(({ at, values }) => [at, ...names.map((name) => cellOf(values[name]))]);
  return ['', ...tableLines(['AT', ...names], rows), '', of];
}
