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

const TYPE: JsonSchema = {
  type: 'object',
  description: 'The whole type: `values` of an enum, `of` a list, `fields` of a struct, each with `name` and `type`.',
  required: ['kind', 'optional'],
  properties: {
    kind: { enum: ['string', 'int', 'float', 'bool', 'bytes', 'timestamp', 'date', 'decimal', 'enum', 'list', 'struct'] },
    optional: FLAG,
    values: TEXTS,
    of: { type: 'object', additionalProperties: true },
    fields: { type: 'array', items: { type: 'object', additionalProperties: true } },
  },
};

function listOf(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'array', items: answerSchema(properties) };
}

const CDC_MODES = ['append', 'upsert', 'debezium'];
const METADATA = { description: TEXT, owner: TEXT, tags: TEXTS, deprecated: FLAG };

const DATASET = {
  name: TEXT,
  version: VERSION,
  ...METADATA,
  max_lateness: DURATION,
  history: DURATION,
  keys: TEXTS,
  timestamp: TEXT,
  index: FLAG,
  publish: FLAG,
  cdc: { enum: CDC_MODES, description: 'What a pushed record is: an event, or a change of the row that `row_key` names (S17).' },
  row_key: TEXTS,
  fields: listOf({ name: TEXT, dtype: DTYPE, optional: FLAG, type: TYPE }),
};

const PIPELINE = { name: TEXT, version: VERSION, ...METADATA, input_datasets: TEXTS, output_dataset: TEXT };

const READS: JsonSchema = {
  description: 'Where its value comes from; null for a key, and for what an extractor or the request gives.',
  anyOf: [{ type: 'null' }, answerSchema({ kind: { enum: ['dataset', 'featureset'] }, name: TEXT, field: TEXT })],
};

const FEATURESET = {
  name: TEXT,
  version: VERSION,
  ...METADATA,
  entity: TEXTS,
  feature_count: COUNT,
  features: listOf({
    name: TEXT,
    dtype: DTYPE,
    optional: FLAG,
    type: TYPE,
    id: { type: 'integer' },
    input: { type: 'boolean', description: 'Brought by the request.' },
    ...METADATA,
    reads: READS,
    default: { description: 'Instead of null; null where there is none.' },
  }),
  extractors: listOf({ name: TEXT, inputs: TEXTS, outputs: TEXTS, version: VERSION }),
};

const SOURCE = {
  id: TEXT,
  dataset: TEXT,
  connector_type: TEXT,
  cursor_field: TEXT,
  cursor_value: { type: ['string', 'null'] },
  poll_interval: DURATION,
  max_lateness: DURATION,
  config: { type: 'object', description: 'Of the connector; a secret is a reference.', additionalProperties: true },
  cdc: { enum: CDC_MODES },
  state: {
    enum: ['unknown', 'unspecified', 'starting', 'reading', 'waiting', 'retrying', 'stopped', 'paused', 'elsewhere'],
    description: 'stopped: only a person can mend it; elsewhere: another ingest process has it; unknown: ingest does not answer.',
  },
  cause: { type: ['string', 'null'], description: "Why it is tried again or stands still, in its system's words." },
  since: { type: ['string', 'null'] },
  next_at: { type: ['string', 'null'], description: 'When it is polled or tried next.' },
  succeeded_at: { type: ['string', 'null'] },
  rows: COUNT,
  refused: COUNT,
  rows_per_s: { type: 'number' },
  lag: answerSchema({ rows: { type: ['integer', 'null'] }, bytes: { type: ['integer', 'null'] }, seconds: { type: ['number', 'null'] } }),
};

const JOB = {
  id: TEXT,
  name: TEXT,
  version: VERSION,
  job_type: { enum: ['aggregation', 'derivation'] },
  partition_count: COUNT,
  spec: answerSchema({
    input_topic: TEXT,
    output_topic: TEXT,
    replaylog_topic: TEXT,
    pipeline_spec: answerSchema({
      operators: { type: 'array', items: { type: 'object', required: ['type', 'text'], additionalProperties: true } },
      max_lateness: DURATION,
    }),
  }),
};

const PROGRESS = answerSchema({
  caught_up: FLAG,
  paused: FLAG,
  lag: { type: 'integer', minimum: 0, description: 'Records still to be read.' },
  read: { type: 'integer', minimum: 0, description: 'applied + filtered + late_dropped + outdated + duplicate + dead + erased' },
  applied: COUNT,
  filtered: COUNT,
  late_dropped: { type: 'integer', minimum: 0, description: 'Left out whole: below the watermark less `maxLateness` (S10).' },
  outdated: { type: 'integer', minimum: 0, description: 'Changes that are older than what their row is (S17): left out whole.' },
  duplicate: COUNT,
  dead: COUNT,
  erased: { type: 'integer', minimum: 0, description: 'Records of erased entities, and the erasures themselves (S26).' },
  failed: COUNT,
  late_right: { type: 'integer', minimum: 0, description: 'Right rows that came too late for left records that had been joined.' },
});

const EVENT = {
  id: TEXT,
  event_type: TEXT,
  severity: { enum: ['info', 'warning', 'error'] },
  source: TEXT,
  subject: TEXT,
  message: TEXT,
  detail: { type: 'object', additionalProperties: true },
  created_at: TIME_TEXT_SCHEMA,
};

const MS: JsonSchema = { type: ['number', 'null'] };

const INTAKE = {
  dataset: TEXT,
  accepted: COUNT,
  refused: COUNT,
  ignored_fields: COUNT,
  expectations: listOf({ expectation: TEXT, mostly: { type: 'number' }, checked: COUNT, failed: COUNT, holds: FLAG }),
};

const LATEST_COMMIT: JsonSchema = {
  anyOf: [{ type: 'null' }, answerSchema({ id: TEXT, status: { const: 'committed' }, created_at: TIME_TEXT_SCHEMA })],
};

export const EVENTS_SCHEMA: JsonSchema = listOf(EVENT);
export const FEATURESETS_SCHEMA: JsonSchema = listOf({ id: TEXT, name: TEXT, spec: answerSchema(FEATURESET) });
export const JOBS_SCHEMA: JsonSchema = listOf(JOB);
export const SOURCES_SCHEMA: JsonSchema = listOf(SOURCE);

export const STATUS_SCHEMA: JsonSchema = answerSchema({
  latest_commit: LATEST_COMMIT,
  datasets: listOf(DATASET),
  pipelines: listOf(PIPELINE),
  featuresets: listOf(FEATURESET),
  sources: listOf(SOURCE),
  jobs: listOf({ ...JOB, progress: PROGRESS }),
  backfills: listOf({
    job_name: TEXT,
    source_dataset: TEXT,
    status: { enum: ['running', 'paused'] },
    records_ingested: COUNT,
    records_left: COUNT,
  }),
  intakes: listOf(INTAKE),
  tasks: listOf({ partition: COUNT, epoch: COUNT, seq: COUNT, revision: COUNT }),
  timings: listOf({ name: { enum: ['query', 'freshness', 'tick'] }, count: COUNT, p50_ms: MS, p95_ms: MS, p99_ms: MS, max_ms: MS }),
  processes: listOf({
    role: { enum: ['gateway', 'aggregator', 'query'] },
    version: TEXT,
    host: TEXT,
    records_per_s: {
      type: ['integer', 'null'],
      description: 'Of an aggregator: what its pipelines read in a second of work, in ticks with much to read; null where there was none.',
    },
  }),
  recent_events: EVENTS_SCHEMA,
  physical_assets: { type: 'array', items: { type: 'object', additionalProperties: true } },
  unavailable: {
    type: 'array',
    description: 'Services that did not answer, whose part is missing.',
    items: { enum: ['aggregator', 'ingest'] },
  },
});
