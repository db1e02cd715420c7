import { create } from '@bufbuild/protobuf';
import { LogRequestSchema, type LogResponse } from '../../gen/thyme/v1/ingest_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson } from '../../libs/rest/json-text.js';
import { parseJson, scanObject } from '../../libs/rest/json-scan.js';
import { problem } from '../../libs/rest/problem.js';
import {
  answerSchema,
  JSON_TYPE,
  jsonResponse,
  requestSchema,
  type RestRequest,
  type RestResponse,
  type Route,
} from '../../libs/rest/route.js';
import type { GatewayServices } from './gateway-services.js';
import { jsonBody, optionalFlag, optionalText, refuseUnknownMembers, requiredText, type Fields } from './request-fields.js';

const TIMEOUT_MS = 120_000;
/** Where the bracket of a list must come; nobody indents it further. */
const LEADING_BYTES = 256;

/** Events in. */
export function pushRoutes({ ingest }: GatewayServices): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/log',
      scope: 'write',
      summary: 'Pushes events into a dataset. A refused event makes the answer 422; the accepted ones stay accepted.',
      body: jsonBody(LOG_SCHEMA, { mebibytesMax: 32, wayOut: 'send the events in several requests, best with producer_id and sequence' }),
      answers: {
        [JSON_TYPE]: answerSchema({
          events_sent: { type: 'integer', minimum: 0 },
          token: { type: 'string', description: 'A query with after=TOKEN sees these events (S21).' },
        }),
      },
      timeoutMs: TIMEOUT_MS,
      callsMax: 512,
      async handle(request) {
        const { fields, events } = logFields(request);
        const message = create(LogRequestSchema, {
          dataset: requiredText(fields, 'dataset'),
          json: events,
          producerId: optionalText(fields, 'producer_id') ?? '',
          historical: optionalFlag(fields, 'historical'),
          after: optionalText(fields, 'after') ?? '',
          ...sequenceOf(fields),
        });
        return logAnswer(await ingest.log(message, request.context));
      },
    },
  ];
}

/** The members of the body; the events stay the bytes that they came as, for ingest to judge one by one. */
function logFields({ body }: RestRequest): { readonly fields: Fields; readonly events: Uint8Array } {
  const members = scanObject(body);
  refuseUnknownMembers(members.keys(), LOG_SCHEMA);
  const events = members.get('events');
  if (events === undefined) throw invalidArgument('events', 'is missing: send a list of objects');
  // Ingest also reads one record a line: an object that was sent without its list would be taken to pieces.
  if (!/^\s*\[/.test(Buffer.from(events.subarray(0, LEADING_BYTES)).toString('latin1')))
    throw invalidArgument('events', 'is no list: send a list of objects');
  const fields = new Map([...members].filter(([name]) => name !== 'events').map(([name, bytes]) => [name, parseJson(bytes)]));
  return { fields, events };
}

function sequenceOf(fields: Fields): { readonly sequence?: bigint } {
  const sequence = fields.get('sequence') ?? undefined;
  if (sequence === undefined) return {};
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0)
    throw invalidArgument('sequence', 'must be a non-negative integer');
  return { sequence: BigInt(sequence) };
}

/** Any refused record makes the whole answer an error: clients that look at nothing but the status must not miss it (REST 7). */
function logAnswer({ eventsSent, token, errors }: LogResponse): RestResponse {
  if (errors.length === 0) return jsonResponse(encodeJson({ events_sent: eventsSent, token }));
  const detail = `${errors.length} event(s) were refused, first: event ${errors[0]?.index ?? 0}: ${errors[0]?.error ?? ''}. The ${eventsSent} accepted stay accepted: send only the refused ones again`;
  const extra = { events_sent: eventsSent, token, errors: errors.map(({ index, error }) => ({ index, error })) };
  return problem(422, 'urn:thyme:error:THYME_EVENTS_REFUSED', detail, extra, {});
}

const LOG_SCHEMA = requestSchema(
  {
    dataset: { type: 'string' },
    events: { type: 'array', items: { type: 'object', description: 'Fields of the dataset by name.', additionalProperties: true } },
    producer_id: { type: 'string', description: 'With sequence, a retry is recognised and gets the first answer (S13).' },
    sequence: { type: 'integer', minimum: 0, description: 'Of the first event; the others follow.' },
    historical: { type: 'boolean', description: 'Never late, and known at its event time (S10, S22).' },
    after: { type: 'string', description: "An earlier push's token: the answer's covers both, so the last of several covers all (S21)." },
  },
  ['dataset', 'events'],
);
