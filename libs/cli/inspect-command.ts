import type { RestClient } from '../client/rest-client.js';
import { notFound } from '../errors/errors.js';
import { command, printAnswer, UsageError } from './command.js';
import { datasetKeys, entitiesOf, keyFieldsOf, type AskedEntity } from './entity-argument.js';
import { inspectionLines } from './inspect-lines.js';
import type { EntityRows, Inspection, PipelineState } from './inspection.js';
import type { CommittedDataset, CommittedPipeline, CommittedStatus } from './committed-status.js';

const ROWS_DEFAULT = '10';

export const inspect = command({
  name: 'inspect',
  summary: 'one dataset, pipeline or featureset: what it is, what it is made of, how it does',
  parameters: 'NAME [-e ENTITY]',
  positionalsMax: 1,
  flags: {
    entity: {
      value: 'ENTITY',
      short: 'e',
      about: 'shows its newest rows, windows or features too; of a composite key origin=ATL,destination=ORD',
    },
    limit: { value: 'N', short: 'n', about: `at most so many rows of the entity, up to 200; ${ROWS_DEFAULT} where it is absent` },
  },
  examples: [
    'thyme inspect OriginStats',
    'thyme inspect Flight -e ATL -n 5',
    'thyme inspect OriginStats.departures',
    'thyme inspect AirportDelay --json',
  ],
  async run({ positionals: [name], flags: { entity, limit = ROWS_DEFAULT } }, context) {
    if (name === undefined) throw new UsageError('name a dataset, a pipeline or a featureset, as `thyme status` lists them');
    const status = (await context.client.get('/api/v1/status')).body as CommittedStatus; // OpenAPI says so
    const found = inspected(name, status);
    const rows = entity === undefined ? null : await entityRows(found, entity, { client: context.client, limit, status });
    printAnswer(context, { ...found, rows }, () => inspectionLines({ ...found, rows }));
  },
});

function inspected(name: string, status: CommittedStatus): Inspection {
  const { datasets, pipelines, featuresets } = status;
  const dataset = datasets.find((of) => of.name === name);
  if (dataset !== undefined) return datasetInspection(dataset, status);
  const pipeline = pipelines.find((of) => of.name === name);
  if (pipeline !== undefined) return pipelineInspection(pipeline, status);
  const featureset = featuresets.find((of) => of.name === name);
  if (featureset !== undefined) return { kind: 'featureset', definition: featureset, rows: null };
  throw notFound(
    'dataset, pipeline or featureset',
    name,
    [...datasets, ...pipelines, ...featuresets].map((of) => of.name),
  );
}

function pipelineInspection(definition: CommittedPipeline, status: CommittedStatus): Inspection {
  const job = status.jobs.find(({ name }) => name === definition.name);
  const operators = job?.spec.pipeline_spec.operators.map(({ text }) => text) ?? [];
  return { kind: 'pipeline', definition, operators, state: statesOf([definition.name], status)[0] ?? null, rows: null };
}

function datasetInspection(definition: CommittedDataset, status: CommittedStatus): Inspection {
  const { name } = definition;
  const filling = status.pipelines.filter(({ output_dataset: output }) => output === name).map((of) => of.name);
  const source = status.sources.find(({ dataset }) => dataset === name);
  const reading = status.pipelines.filter(({ input_datasets: inputs }) => inputs.includes(name)).map((of) => of.name);
  const featuresets = status.featuresets.filter(({ features }) =>
    features.some(({ reads }) => reads?.kind === 'dataset' && reads.name === name),
  );
  const filledBy = filling[0] ?? (source === undefined ? 'pushes' : `source ${source.connector_type} (${source.state})`);
  return {
    kind: 'dataset',
    definition,
    filled_by: filledBy,
    pipelines: statesOf([...filling, ...reading], status),
    read_by: [...reading, ...featuresets.map((of) => of.name)],
    rows: null,
  };
}

function statesOf(names: readonly string[], { jobs }: CommittedStatus): readonly PipelineState[] {
  return jobs.filter(({ name }) => names.includes(name)).map(({ name, version, progress }) => ({ name, version, ...progress }));
}

interface RowsAsked {
  readonly client: RestClient;
  readonly limit: string;
  readonly status: CommittedStatus;
}

async function entityRows(found: Inspection, entity: string, { client, limit, status }: RowsAsked): Promise<EntityRows> {
  if (found.kind === 'featureset') return features(found.definition.name, entity, client);
  const dataset = found.kind === 'dataset' ? found.definition.name : found.definition.output_dataset;
  const [asked = entity] = await entitiesOf([entity], () => datasetKeys(dataset, client));
  const filling = status.pipelines.filter(({ output_dataset: output }) => output === dataset).map((of) => of.name);
  const isAggregated = status.jobs.some(({ name, job_type: type }) => type === 'aggregation' && filling.includes(name));
  return isAggregated ? windows(dataset, asked, client) : newestRows(dataset, asked, client, limit);
}

async function features(featureset: string, entity: string, client: RestClient): Promise<EntityRows> {
  const [asked = entity] = await entitiesOf([entity], keyFieldsOf(featureset, { client }));
  const { body } = await client.post('/features', { featureset, entity_id: asked });
  return oneRow(asked, body);
}

async function windows(dataset: string, entity: AskedEntity, client: RestClient): Promise<EntityRows> {
  return oneRow(entity, (await client.get('/features', { entity_type: dataset, ...entityParameters(entity) })).body);
}

function oneRow(entity: AskedEntity, body: unknown): EntityRows {
  const { features: values, as_of: asOf } = body as { readonly features: Readonly<Record<string, unknown>> | null; readonly as_of: string };
  return { entity, as_of: asOf, rows: values === null ? [] : [{ at: asOf, values }] };
}

interface WindowRows {
  readonly as_of: string;
  readonly rows: readonly { readonly event_time: string; readonly values: Readonly<Record<string, unknown>> }[];
}

async function newestRows(dataset: string, entity: AskedEntity, client: RestClient, limit: string): Promise<EntityRows> {
  const { body } = await client.get('/features/rows', { entity_type: dataset, limit, ...entityParameters(entity) });
  const { as_of: asOf, rows } = body as WindowRows; // OpenAPI says so
  return { entity, as_of: asOf, rows: rows.map(({ event_time: at, values }) => ({ at, values })) };
}

function entityParameters(entity: AskedEntity): Readonly<Record<string, string>> {
  if (typeof entity === 'string') return { entity_id: entity };
  return Object.fromEntries(Object.entries(entity).map(([name, value]) => [`entity.${name}`, value]));
}
