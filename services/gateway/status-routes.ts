import { hostname } from 'node:os';
import { create } from '@bufbuild/protobuf';
import { ListIntakesRequestSchema, type Intake } from '../../gen/thyme/v1/ingest_pb.js';
import { ListJobsRequestSchema, type ListJobsResponse } from '../../gen/thyme/v1/jobs_pb.js';
import { ListPartitionsRequestSchema, type ListPartitionsResponse } from '../../gen/thyme/v1/query_pb.js';
import { type Process, ProcessSchema } from '../../gen/thyme/v1/timing_pb.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import { encodeJson } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, type Route } from '../../libs/rest/route.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import { cachedMetrics } from '../../libs/telemetry/cached-metrics.js';
import type { EventSeverity } from '../../libs/telemetry/event-ring.js';
import type { Catalog } from './catalog.js';
import type { GatewayServices } from './gateway-services.js';
import { listStates } from './source-routes.js';
import { limitOf } from './request-fields.js';
import { eventJson, statusJson } from './status-json.js';
import { EVENTS_SCHEMA, STATUS_SCHEMA } from './status-schemas.js';

const RECENT_EVENTS = 10;
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What the platform is and how it does. */
export function statusRoutes(services: GatewayServices, catalog: Catalog): readonly Route[] {
  const { events } = services;
  return [
    {
      method: 'GET',
      path: '/api/v1/status',
      scope: 'read',
      summary: 'What is committed, how far the pipelines are, what happened lately.',
      answers: { [JSON_TYPE]: STATUS_SCHEMA },
      async handle({ context }) {
        const revision = await catalog.refresh(context);
        const [jobs, intakes, holders, sources] = await Promise.all([
          listJobs(services, context),
          listIntakes(services, context),
          listHolders(services, context),
          listStates(services.ingest, context),
        ]);
        const unavailable = [...(jobs === undefined ? ['aggregator'] : []), ...(intakes === undefined ? ['ingest'] : [])];
        return jsonResponse(
          encodeJson(
            statusJson({
              revision,
              sources,
              tasks: jobs?.tasks ?? [],
              timings: [...(holders?.timings ?? []), ...(jobs?.timings ?? [])],
              processes: [ownProcess(services), ...(jobs?.processes ?? []), ...(holders?.processes ?? [])],
              intakes: intakes ?? [],
              recentEvents: events.list({ limit: RECENT_EVENTS }),
              unavailable,
            }),
          ),
        );
      },
    },
    {
      method: 'GET',
      path: '/api/v1/events',
      scope: 'read',
      summary: 'What happened lately in this process, newest first.',
      parameters: [
        { name: 'limit', description: 'At most so many.', schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 50 } },
        { name: 'severity', description: 'Only of this severity.', schema: { enum: ['info', 'warning', 'warn', 'error'] } },
        { name: 'event_type', description: 'Only of this type.' },
        { name: 'subject', description: 'Only about this.' },
      ],
      answers: { [JSON_TYPE]: EVENTS_SCHEMA },
      handle({ query }) {
        const severity = severityOf(query.get('severity'));
        const [eventType, subject] = [query.get('event_type'), query.get('subject')];
        const filter = {
          limit: limitOf(query, { fallback: 50, max: 1_000 }),
          ...(severity === undefined ? {} : { severity }),
          ...(eventType === undefined ? {} : { eventType }),
          ...(subject === undefined ? {} : { subject }),
        };
        return jsonResponse(encodeJson(events.list(filter).map(eventJson)));
      },
    },
    ...probeRoutes(services),
  ];
}

/** What probes and Prometheus ask of any process, with a gateway or without. */
export function probeRoutes({
  isReady,
  metrics,
  metricsScope = 'public',
  clock,
}: Pick<GatewayServices, 'isReady' | 'metrics' | 'metricsScope' | 'clock'>): readonly Route[] {
  const rendered = cachedMetrics(metrics, clock);
  return [
    {
      method: 'GET',
      path: '/health',
      scope: 'public',
      summary: '200 while everything that is needed can answer.',
      answers: { [JSON_TYPE]: answerSchema({ status: { const: 'ok' } }) },
      handle: () => (isReady() ? jsonResponse('{"status":"ok"}') : { ...jsonResponse('{"status":"unavailable"}'), status: 503 }),
    },
    {
      method: 'GET',
      path: '/metrics',
      scope: metricsScope,
      summary: 'Metrics for Prometheus, at most a second old.',
      answers: { 'text/plain': { type: 'string' } },
      handle: () => ({ status: 200, headers: { 'content-type': METRICS_TYPE }, body: rendered() }),
    },
  ];
}

/** Undefined where the aggregator does not answer: status is what one asks for when something is down. */
function listJobs({ aggregator }: GatewayServices, context: CallContext): Promise<ListJobsResponse | undefined> {
  return ifAvailable(async () => aggregator.listJobs(create(ListJobsRequestSchema), context));
}

function listHolders({ query }: GatewayServices, context: CallContext): Promise<ListPartitionsResponse | undefined> {
  return ifAvailable(async () => query.listPartitions(create(ListPartitionsRequestSchema), context));
}

function ownProcess({ version }: GatewayServices): Process {
  return create(ProcessSchema, { role: 'gateway', version, host: hostname() });
}

function listIntakes({ ingest }: GatewayServices, context: CallContext): Promise<readonly Intake[] | undefined> {
  return ifAvailable(async () => (await ingest.listIntakes(create(ListIntakesRequestSchema), context)).intakes);
}

async function ifAvailable<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ThymeError && error.status === 'UNAVAILABLE') return undefined;
    throw error;
  }
}

function severityOf(text: string | undefined): EventSeverity | undefined {
  switch (text) {
    case undefined:
    case 'info':
    case 'warning':
    case 'error':
      return text;
    case 'warn':
      return 'warning';
    default:
      throw invalidArgument('severity', `'${text.slice(0, 32)}' is none of info, warning, error`);
  }
}
