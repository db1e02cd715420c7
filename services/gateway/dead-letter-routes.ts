import { create } from '@bufbuild/protobuf';
import { ListDeadLettersRequestSchema, PushDeadLetterRequestSchema, type DeadLetter } from '../../gen/thyme/v1/ingest_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { parseJson, scanObject } from '../../libs/rest/json-scan.js';
import { answerSchema, JSON_TYPE, jsonResponse, requestSchema, type RestRequest, type Route } from '../../libs/rest/route.js';
import type { GatewayServices } from './gateway-services.js';
import { TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { jsonBody, limitOf, optionalFlag, refuseUnknownMembers, requiredText } from './request-fields.js';

const LETTERS_DEFAULT = 20;
const LETTERS_MAX = 100;
const CALLS_MAX = 16;

/** Records that were refused or failed, with what they hold: for admins alone. */
export function deadLetterRoutes({ ingest }: GatewayServices): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/dead-letters',
      scope: 'admin',
      summary:
        'Records of a dataset that were refused (S12), or that failed in a pipeline (S23), newest first. A page may be short, or empty, before the last: next_cursor leads on.',
      parameters: [
        { name: 'dataset', description: 'The dataset, or `Order@1` for an older version of it.', required: true },
        {
          name: 'limit',
          description: 'At most so many; more than the maximum counts as that.',
          schema: { type: 'integer', minimum: 1, maximum: LETTERS_MAX, default: LETTERS_DEFAULT },
        },
        { name: 'cursor', description: 'next_cursor of the page before.' },
      ],
      answers: {
        [JSON_TYPE]: answerSchema({ dead_letters: { type: 'array', items: LETTER_SCHEMA }, next_cursor: { type: ['string', 'null'] } }),
      },
      callsMax: CALLS_MAX,
      async handle({ query, context }) {
        const request = create(ListDeadLettersRequestSchema, {
          dataset: requiredText(query, 'dataset'),
          limit: limitOf(query, { fallback: LETTERS_DEFAULT, max: LETTERS_MAX }),
          cursor: query.get('cursor') ?? '',
        });
        const { deadLetters, nextCursor } = await ingest.listDeadLetters(request, context);
        return jsonResponse(encodeJson({ dead_letters: deadLetters.map(letterJson), next_cursor: nextCursor === '' ? null : nextCursor }));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/dead-letters/{id}/push',
      scope: 'admin',
      summary:
        'Pushes a refused record again, mended, as the producer that it came from, or as one of its own: however often, it counts once for its entity (S13).',
      body: jsonBody(PUSH_SCHEMA, { mebibytesMax: 1, wayOut: 'it is one record' }),
      answers: { [JSON_TYPE]: answerSchema({ token: { type: 'string', description: 'A query with after=TOKEN sees it (S21).' } }) },
      async handle(request) {
        const { dataset, event, historical } = pushFields(request);
        const id = request.pathParameters.get('id') ?? '';
        const asked = create(PushDeadLetterRequestSchema, { dataset, id, json: event, historical });
        const { token } = await ingest.pushDeadLetter(asked, request.context);
        return jsonResponse(encodeJson({ token }));
      },
    },
  ];
}

/** The event stays the bytes that it came as, for ingest to judge. */
function pushFields({ body }: RestRequest): { readonly dataset: string; readonly event: Uint8Array; readonly historical: boolean } {
  const members = scanObject(body);
  refuseUnknownMembers(members.keys(), PUSH_SCHEMA);
  const event = members.get('event');
  if (event === undefined) throw invalidArgument('event', 'is missing: send the mended record, an object');
  const fields = new Map([...members].filter(([name]) => name !== 'event').map(([name, bytes]) => [name, parseJson(bytes)]));
  return { dataset: requiredText(fields, 'dataset'), event, historical: optionalFlag(fields, 'historical') };
}

const LETTER_SCHEMA = answerSchema({
  id: { type: 'string' },
  reason: { type: 'string' },
  version: { type: 'integer', minimum: 1, description: 'Of the dataset.' },
  at: { ...TIME_TEXT_SCHEMA, description: 'When it was set aside.' },
  record: { type: 'string', description: 'As JSON, cut where it was long.' },
  truncated: { type: 'boolean' },
  producer_id: { type: ['string', 'null'] },
  sequence: { type: ['integer', 'null'] },
  place: { type: ['string', 'null'], description: "Where a source read it, in its system's words." },
  pipeline: { type: ['string', 'null'], description: 'That it failed in: such a record is in its dataset, and is not pushed again.' },
});

const PUSH_SCHEMA = requestSchema(
  {
    dataset: { type: 'string' },
    event: { type: 'object', description: 'The mended record.', additionalProperties: true },
    historical: { type: 'boolean', description: 'Never late, and known at its event time (S10, S22).' },
  },
  ['dataset', 'event'],
);

function letterJson({ id, reason, version, atUs, record, truncated, producerId, sequence, place, pipeline }: DeadLetter): JsonTree {
  const textOrNull = (text: string): string | null => (text === '' ? null : text);
  return {
    id,
    reason,
    version,
    at: timeText(atUs),
    record,
    truncated,
    producer_id: textOrNull(producerId),
    sequence: sequence ?? null,
    place: textOrNull(place),
    pipeline: textOrNull(pipeline),
  };
}
