import { answerSchema, type JsonSchema } from '../../libs/rest/route.js';
import { TIME_TEXT_SCHEMA } from './read-shapes.js';

// What definition-json.ts and status-json.ts write, for OpenAPI. test/e2e/openapi.test.ts holds real answers against it.

const TEXT: JsonSchema = { type: 'string' };
const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
const FLAG: JsonSchema = { type: 'boolean' };
const TEXTS: JsonSchema = { type: 'array', items: TEXT };
const VERSION: JsonSchema = { type: 'string', description: 'A number, as text.' };
const DURATION: JsonSchema = { type: 'string', description: 'Such as `1h`; empty where there is none.' };
const DTYPE: JsonSchema = { type: 'string', description: 'int, float, str, bool, datetime, decimal, bytes, dict or list[...]' };

function listOf(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'array', items: answerSchema(properties) };
}

const DATASET = {
  name: TEXT, version: VERSION, keys: TEXTS, timestamp: TEXT, index: FLAG, publish: FLAG,
  fields: listOf({ name: TEXT, dtype: DTYPE, optional: FLAG }),
};

const PIPELINE = { name: TEXT, version: VERSION, input_datasets: TEXTS, output_dataset: TEXT };

const FEATURESET = {
  name: TEXT, version: VERSION, entity: TEXTS, feature_count: COUNT,
  features: listOf({ name: TEXT, dtype: DTYPE, id: { type: 'integer' }, input: { type: 'boolean', description: 'Brought by the request.' } }),
  extractors: listOf({ name: TEXT, inputs: TEXTS, outputs: TEXTS, version: VERSION }),
};

const SOURCE = {
  id: TEXT, dataset: TEXT, connector_type: TEXT, cursor_field: TEXT, cursor_value: { type: ['string', 'null'] }, poll_interval: DURATION, max_lateness: DURATION,
  config: { type: 'object', description: 'Of the connector; a secret is a reference.', additionalProperties: true },
  cdc: { enum: ['append', 'upsert', 'debezium'] },
};

const JOB = {
  id: TEXT, name: TEXT, version: VERSION, job_type: { enum: ['aggregation', 'derivation'] }, partition_count: COUNT,
  spec: answerSchema({
    input_topic: TEXT, output_topic: TEXT, replaylog_topic: TEXT,
    pipeline_spec: answerSchema({ operators: { type: 'array', items: { type: 'object', required: ['type'], additionalProperties: true } }, max_lateness: DURATION }),
  }),
};

const PROGRESS = answerSchema({
  caught_up: FLAG, paused: FLAG, lag: { type: 'integer', minimum: 0, description: 'Records still to be read.' },
  read: { type: 'integer', minimum: 0, description: 'applied + filtered + late_dropped + duplicate + dead' },
  applied: COUNT, filtered: COUNT, late_dropped: COUNT, duplicate: COUNT, dead: COUNT, failed: COUNT,
  late_right: { type: 'integer', minimum: 0, description: 'Right rows that came too late for left records that had been joined.' },
});

const EVENT = {
  id: TEXT, event_type: TEXT, severity: { enum: ['info', 'warning', 'error'] }, source: TEXT, subject: TEXT, message: TEXT,
  detail: { type: 'object', additionalProperties: true }, created_at: TIME_TEXT_SCHEMA,
};

const INTAKE = {
  dataset: TEXT, accepted: COUNT, refused: COUNT, ignored_fields: COUNT,
  expectations: listOf({ expectation: TEXT, mostly: { type: 'number' }, checked: COUNT, failed: COUNT, holds: FLAG }),
};

const LATEST_COMMIT: JsonSchema = { anyOf: [{ type: 'null' }, answerSchema({ id: TEXT, status: { const: 'committed' }, created_at: TIME_TEXT_SCHEMA })] };

export const EVENTS_SCHEMA: JsonSchema = listOf(EVENT);
export const FEATURESETS_SCHEMA: JsonSchema = listOf({ id: TEXT, name: TEXT, spec: answerSchema(FEATURESET) });
export const JOBS_SCHEMA: JsonSchema = listOf(JOB);
export const SOURCES_SCHEMA: JsonSchema = listOf(SOURCE);

export const STATUS_SCHEMA: JsonSchema = answerSchema({
  latest_commit: LATEST_COMMIT,
  datasets: listOf(DATASET), pipelines: listOf(PIPELINE), featuresets: listOf(FEATURESET), sources: listOf(SOURCE),
  jobs: listOf({ ...JOB, progress: PROGRESS }),
  backfills: listOf({ job_name: TEXT, source_dataset: TEXT, status: { enum: ['running', 'paused'] }, records_ingested: COUNT }),
  intakes: listOf(INTAKE),
  tasks: listOf({ partition: COUNT, epoch: COUNT, seq: COUNT, revision: COUNT }),
  recent_events: EVENTS_SCHEMA,
  physical_assets: { type: 'array', items: { type: 'object', additionalProperties: true } },
  unavailable: { type: 'array', description: 'Services that did not answer, whose part is missing.', items: { enum: ['aggregator', 'ingest'] } },
});
