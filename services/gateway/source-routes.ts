import { create } from '@bufbuild/protobuf';
import {
  ListSourcesRequestSchema,
  ResetSourceRequestSchema,
  SetSourcePausedRequestSchema,
  SourceStatus_Phase as Phase,
  TestSourceRequestSchema,
  type SourceStatus,
} from '../../gen/thyme/v1/sources_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { encodeJson, JsonFloat, type JsonTree } from '../../libs/rest/json-text.js';
import {
  answerSchema,
  JSON_TYPE,
  jsonResponse,
  requestSchema,
  type RestRequest,
  type Route,
  type RouteBody,
} from '../../libs/rest/route.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { Catalog } from './catalog.js';
import { sourceJson } from './definition-json.js';
import type { GatewayServices } from './gateway-services.js';
import { bodyFields, jsonBody, requiredText } from './request-fields.js';
import { SOURCES_SCHEMA } from './status-schemas.js';

/** A test may have to wait for a system that does not answer. */
const TEST_TIMEOUT_MS = 30_000;

const NOTHING = requestSchema({});
const RESET = requestSchema({
  to: { type: 'string', minLength: 1, description: "`beginning`, `now`, or a place in the words of the source's system" },
});
const RESET_BODY = jsonBody(RESET, { mebibytesMax: 1, wayOut: 'name one place' });
const NO_INPUT: RouteBody = { bytesMax: 1_024, wayOut: 'it takes no input', types: [JSON_TYPE], schema: NOTHING };

function refuseInput(request: RestRequest): void {
  if (request.body.length > 0) bodyFields(request, NOTHING);
}

/** What sources are declared, how they do, and what people tell them. */
export function sourceRoutes({ ingest }: GatewayServices, catalog: Catalog): readonly Route[] {
  const datasetOf = ({ pathParameters }: RestRequest): string => pathParameters.get('dataset') ?? '';
  const pausing = (word: 'pause' | 'resume', paused: boolean, summary: string): Route => ({
    method: 'POST',
    path: `/api/v1/sources/{dataset}/${word}`,
    scope: 'admin',
    summary,
    body: NO_INPUT,
    answers: { [JSON_TYPE]: answerSchema({ dataset: { type: 'string' }, paused: { type: 'boolean' } }) },
    async handle(request) {
      refuseInput(request);
      const dataset = datasetOf(request);
      await ingest.setSourcePaused(create(SetSourcePausedRequestSchema, { dataset, paused }), request.context);
      return jsonResponse(encodeJson({ dataset, paused }));
    },
  });
  return [
    {
      method: 'GET',
      path: '/api/v1/sources',
      scope: 'read',
      summary: 'Sources of the newest revision, and how they do; secrets are references.',
      answers: { [JSON_TYPE]: SOURCES_SCHEMA },
      async handle({ context }) {
        const [revision, states] = await Promise.all([catalog.revision(context), listStates(ingest, context)]);
        return jsonResponse(encodeJson(sourcesJson(revision?.definitions.sources ?? [], states)));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/sources/{dataset}/test',
      scope: 'admin',
      summary: "Looks at a source's system with its own settings, and publishes nothing.",
      body: NO_INPUT,
      answers: {
        [JSON_TYPE]: answerSchema({
          steps: { type: 'array', items: answerSchema({ what: { type: 'string' }, ok: { type: 'boolean' }, detail: { type: 'string' } }) },
          sample: { type: ['string', 'null'], description: 'A row as it would be pushed, as JSON.' },
        }),
      },
      timeoutMs: TEST_TIMEOUT_MS,
      async handle(request) {
        refuseInput(request);
        const { steps, sample } = await ingest.testSource(
          create(TestSourceRequestSchema, { dataset: datasetOf(request) }),
          request.context,
        );
        return jsonResponse(
          encodeJson({ steps: steps.map(({ what, ok, detail }) => ({ what, ok, detail })), sample: sample === '' ? null : sample }),
        );
      },
    },
    pausing('pause', true, 'Pauses a source until it is resumed, also over restarts.'),
    pausing('resume', false, 'Lets a source go on, and tries again at once what stands still.'),
    {
      method: 'POST',
      path: '/api/v1/sources/{dataset}/reset',
      scope: 'admin',
      summary: 'Puts a source to another place, without publishing a row twice into one version of its dataset.',
      body: RESET_BODY,
      answers: { [JSON_TYPE]: answerSchema({ dataset: { type: 'string' }, position: { type: 'string' } }) },
      timeoutMs: TEST_TIMEOUT_MS,
      async handle(request) {
        const to = requiredText(bodyFields(request, RESET), 'to');
        const dataset = datasetOf(request);
        const { position } = await ingest.resetSource(create(ResetSourceRequestSchema, { dataset, to }), request.context);
        return jsonResponse(encodeJson({ dataset, position }));
      },
    },
  ];
}

/** By dataset; undefined where ingest does not answer, and the sources' states are not known. */
export async function listStates(
  ingest: GatewayServices['ingest'],
  context: CallContext,
): Promise<ReadonlyMap<string, SourceStatus> | undefined> {
  try {
    const { sources } = await ingest.listSources(create(ListSourcesRequestSchema), context);
    return new Map(sources.map((source) => [source.dataset, source]));
  } catch (error) {
    if (error instanceof ThymeError && error.status === 'UNAVAILABLE') return undefined;
    throw error;
  }
}

export function sourcesJson(
  sources: readonly Parameters<typeof sourceJson>[0][],
  states: ReadonlyMap<string, SourceStatus> | undefined,
): JsonTree[] {
  return sources.map((source) => {
    const state = states?.get(source.dataset);
    return {
      ...sourceJson(source),
      cursor_value: state === undefined || state.position === '' ? null : state.position,
      ...stateJson(state),
    };
  });
}

function stateJson(state: SourceStatus | undefined): { readonly [name: string]: JsonTree } {
  const time = (us: bigint | undefined): string | null => (us === undefined ? null : formatTimestamp(Number(us)));
  return {
    state: state === undefined ? 'unknown' : (Phase[state.phase]?.toLowerCase() ?? 'unknown'),
    cause: state === undefined || state.cause === '' ? null : state.cause,
    since: time(state?.sinceUs),
    next_at: time(state?.nextUs),
    succeeded_at: time(state?.successUs),
    rows: state?.rows ?? 0,
    refused: state?.refused ?? 0,
    rows_per_s: new JsonFloat(state?.rowsPerS ?? 0),
    lag: {
      rows: state?.lagRows ?? null,
      bytes: state?.lagBytes ?? null,
      seconds: state?.lagSeconds === undefined ? null : new JsonFloat(state.lagSeconds),
    },
  };
}
