import { create, fromBinary, fromJson, type DescMessage, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import {
  CommitRequestSchema,
  PlanRequestSchema,
  PlanResponse_Change_Kind,
  type PlanResponse_Change,
} from '../../gen/thyme/v1/registry_pb.js';
import { ListJobsRequestSchema } from '../../gen/thyme/v1/jobs_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { parseJson, scanObject } from '../../libs/rest/json-scan.js';
import {
  answerSchema,
  JSON_TYPE,
  jsonResponse,
  type JsonSchema,
  type RestRequest,
  type Route,
  type RouteBody,
} from '../../libs/rest/route.js';
import { exceedsElements } from '../../libs/rpc/wire-elements.js';
import type { Catalog } from './catalog.js';
import { featuresetJson, jobJson } from './definition-json.js';
import type { GatewayServices } from './gateway-services.js';
import { FEATURESETS_SCHEMA, JOBS_SCHEMA } from './status-schemas.js';

const TIMEOUT_MS = 60_000;
/** Each may take a second of the event loop. */
const CALLS_MAX = 16;
/** As over gRPC (libs/rpc/method-limits.ts), before any of them is made. */
const ELEMENTS_MAX = 250_000;

const BODY: RouteBody = {
  bytesMax: 4 * 1024 * 1024,
  wayOut: 'a module of definitions is far smaller; what makes this one so large is its bundle of functions',
  types: [JSON_TYPE, 'application/protobuf', 'application/x-protobuf'],
  schema: {
    type: 'object',
    description: 'thyme.v1.CommitRequest in the JSON mapping of protobuf: definitions, bundle, base_revision, removes.',
    additionalProperties: true,
  },
};

/** Definitions in, and what is committed out. */
export function registryRoutes({ registry, aggregator, events }: GatewayServices, catalog: Catalog): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/commit',
      scope: 'admin',
      summary: 'Commits a whole module of definitions, or refuses it with all its errors.',
      body: BODY,
      answers: { [JSON_TYPE]: answerSchema({ revision: { type: 'integer' }, changes: CHANGES_SCHEMA }) },
      timeoutMs: TIMEOUT_MS,
      callsMax: CALLS_MAX,
      async handle(request) {
        const { revision, changes } = await registry.commit(readMessage(CommitRequestSchema, request), request.context);
        await catalog.refresh(request.context);
        events.record({
          eventType: 'commit',
          severity: 'info',
          source: 'gateway',
          subject: `revision ${revision}`,
          message: `revision ${revision} was committed`,
          detail: { changes: changes.length },
        });
        return jsonResponse(encodeJson({ revision, changes: changes.map(changeJson) }));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/plan',
      scope: 'read',
      summary: 'What a commit would change, its errors, and how much history would be read for it.',
      body: BODY,
      answers: {
        [JSON_TYPE]: answerSchema({
          base_revision: { type: 'integer' },
          changes: CHANGES_SCHEMA,
          problems: { type: 'array', items: PROBLEM_SCHEMA },
          backfills: { type: 'array', items: BACKFILL_SCHEMA },
        }),
      },
      timeoutMs: TIMEOUT_MS,
      callsMax: CALLS_MAX,
      async handle(request) {
        const { baseRevision, changes, problems, backfills } = await registry.plan(
          readMessage(PlanRequestSchema, request),
          request.context,
        );
        return jsonResponse(
          encodeJson({
            base_revision: baseRevision,
            changes: changes.map(changeJson),
            problems: problems.map(({ place, message, fix }) => ({ place, message, fix })),
            backfills: backfills.map(({ name, version, inputs, records, bytes }) => ({ name, version, inputs, records, bytes })),
          }),
        );
      },
    },
    list('/api/v1/featuresets', 'Featuresets of the newest revision.', FEATURESETS_SCHEMA, async ({ context }) => {
      const revision = await catalog.revision(context);
      return revision === undefined
        ? []
        : revision.definitions.featuresets.map((featureset) => ({
            id: featureset.name,
            name: featureset.name,
            spec: featuresetJson(featureset, revision),
          }));
    }),
    list('/api/v1/jobs', 'Pipelines of the newest revision as the jobs that run them.', JOBS_SCHEMA, async ({ context }) => {
      const revision = await catalog.revision(context);
      if (revision === undefined) return [];
      const partitionCount = await countPartitions(aggregator, context);
      return revision.definitions.pipelines.map((pipeline) => jobJson(pipeline, revision, partitionCount));
    }),
  ];
}

/** The web UI wants bare arrays (REST 14). */
function list(path: string, summary: string, schema: JsonSchema, read: (request: RestRequest) => Promise<readonly JsonTree[]>): Route {
  return {
    method: 'GET',
    path,
    scope: 'read',
    summary,
    answers: { [JSON_TYPE]: schema },
    handle: async (request) => jsonResponse(encodeJson(await read(request))),
  };
}

async function countPartitions(aggregator: GatewayServices['aggregator'], context: RestRequest['context']): Promise<number> {
  const { tasks } = await aggregator.listJobs(create(ListJobsRequestSchema), context);
  return new Set(tasks.map(({ partition }) => partition)).size;
}

function readMessage<Schema extends DescMessage>(schema: Schema, { contentType, body }: RestRequest): MessageShape<Schema> {
  try {
    if (contentType.endsWith('protobuf')) {
      if (exceedsElements(schema, body, ELEMENTS_MAX)) throw invalidArgument('body', `holds more than ${ELEMENTS_MAX} elements`);
      return fromBinary(schema, body, { readUnknownFields: false });
    }
    scanObject(body, ELEMENTS_MAX); // its limits hold for this body as well
    return fromJson(schema, parseJson(body) as JsonValue); // what JSON.parse gives is a JsonValue
  } catch (error) {
    throw invalidArgument('body', `is no ${schema.typeName}: ${error instanceof Error ? error.message : 'malformed'}`);
  }
}

function changeJson({ kind, subject, detail }: PlanResponse_Change): JsonTree {
  return { kind: PlanResponse_Change_Kind[kind]?.toLowerCase() ?? 'unspecified', subject, detail };
}

const CHANGES_SCHEMA: JsonSchema = {
  type: 'array',
  items: answerSchema({
    kind: { enum: ['added', 'changed', 'removed', 'needs_backfill', 'breaking'] },
    subject: { type: 'string' },
    detail: { type: 'string' },
  }),
};

const PROBLEM_SCHEMA: JsonSchema = answerSchema({ place: { type: 'string' }, message: { type: 'string' }, fix: { type: 'string' } });

const BACKFILL_SCHEMA: JsonSchema = answerSchema({
  name: { type: 'string', description: 'A pipeline, or `index:` and a dataset.' },
  version: { type: 'integer', minimum: 1 },
  inputs: { type: 'array', items: { type: 'string' } },
  records: { type: 'integer', minimum: 0, description: 'By the ends of the topics that it reads.' },
  bytes: { type: 'integer', minimum: 0, description: 'As if all were as long as the newest.' },
});
