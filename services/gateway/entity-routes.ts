import { create } from '@bufbuild/protobuf';
import { ListEntitiesRequestSchema } from '../../gen/thyme/v1/query_pb.js';
import type { EntityKey } from '../../gen/thyme/v1/values_pb.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, type RestRequest, type RestResponse, type Route } from '../../libs/rest/route.js';
import { valueToJson } from '../../libs/rest/value-json.js';
import type { GatewayServices } from './gateway-services.js';
import { ENTITY_SCHEMA } from './read-shapes.js';
import { limitOf, requiredText } from './request-fields.js';

const ENTITIES_DEFAULT = 1_000;
const ENTITIES_MAX = 10_000;
/** Each reads up to 20,000 groups. */
const CALLS_MAX = 16;

/** GET /features/entities: of whom there is anything. */
export function entityRoute({ query }: GatewayServices): Route {
  async function handle({ query: parameters, context }: RestRequest): Promise<RestResponse> {
    const featureset = requiredText(parameters, 'featureset');
    const request = create(ListEntitiesRequestSchema, {
      featureset,
      limit: limitOf(parameters, { fallback: ENTITIES_DEFAULT, max: ENTITIES_MAX }),
      cursor: parameters.get('cursor') ?? '',
    });
    const { fields, entities, nextCursor } = await query.listEntities(request, context);
    const listed = entities.map((entity) => entityJson(entity, fields));
    return jsonResponse(encodeJson({ featureset, entities: listed, next_cursor: nextCursor === '' ? null : nextCursor }));
  }
  return {
    method: 'GET',
    path: '/features/entities',
    scope: 'read',
    summary:
      'The entities of which anything is kept, in an order that stays. A page may be short, or empty, before the last: next_cursor leads on.',
    parameters: [
      { name: 'featureset', description: 'Whose key they are of: what its refs read.', required: true },
      {
        name: 'limit',
        description: 'At most so many; more than the maximum counts as that.',
        schema: { type: 'integer', minimum: 1, maximum: ENTITIES_MAX, default: ENTITIES_DEFAULT },
      },
      { name: 'cursor', description: 'next_cursor of the page before.' },
    ],
    answers: { [JSON_TYPE]: ANSWER_SCHEMA },
    callsMax: CALLS_MAX,
    handle,
  };
}

const ANSWER_SCHEMA = answerSchema({
  featureset: { type: 'string' },
  entities: { type: 'array', items: ENTITY_SCHEMA },
  next_cursor: { type: ['string', 'null'] },
});

/** As an `entity_id` of a request: the value, or of a key of several fields an object of them. */
function entityJson({ values }: EntityKey, fields: readonly string[]): JsonTree {
  if (fields.length === 1) return valueToJson(values[0]);
  return new Map(fields.map((name, i) => [name, valueToJson(values[i])]));
}
