import { create } from '@bufbuild/protobuf';
import { QueryBatchStreamRequestSchema, type QueryBatchStreamRequest } from '../../gen/thyme/v1/query_pb.js';
import { StructValueSchema, type StructValue, type Value } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { requestSchema, type RestRequest } from '../../libs/rest/route.js';
import type { Catalog } from './catalog.js';
import { entityFromJson, type AskedEntity } from './entity-keys.js';
import { ROWS_PER_MESSAGE } from './offline-spread.js';
import { ENTITY_SCHEMA, INPUTS_SCHEMA, TIME_SCHEMA } from './read-shapes.js';
import { bodyFields, inputsAt, readOptions, requiredList, requiredText, type Fields } from './request-fields.js';

/** Entities of one request. The published client sends all it has at once (REST 10). */
const ENTITIES_MAX = 100_000;

export const BATCH_BODY_SCHEMA = requestSchema(
  {
    featureset: { type: 'string' },
    entity_ids: { type: 'array', maxItems: ENTITIES_MAX, items: ENTITY_SCHEMA },
    inputs: {
      description: 'Request-time inputs: one object for all entities, or a list with an object for each.',
      anyOf: [INPUTS_SCHEMA, { type: 'array', maxItems: ENTITIES_MAX, items: INPUTS_SCHEMA }],
    },
    timestamp: TIME_SCHEMA,
    known_at: TIME_SCHEMA,
    after: { type: 'string' },
  },
  ['featureset', 'entity_ids'],
);

export interface AskedBatch {
  readonly featureset: string;
  readonly entities: readonly AskedEntity[];
  /** For the query service. */
  messages(): AsyncIterable<QueryBatchStreamRequest>;
}

/** What a body asks; INVALID_ARGUMENT names the row of what is wrong. */
export async function readBatch(request: RestRequest, catalog: Catalog): Promise<AskedBatch> {
  const fields = bodyFields(request, BATCH_BODY_SCHEMA);
  const featureset = requiredText(fields, 'featureset');
  const ids = requiredList(fields, 'entity_ids', ENTITIES_MAX);
  let names: Promise<readonly string[]> | undefined;
  const keyFields = () => (names ??= catalog.entityFields(featureset, request.context));
  const entities: AskedEntity[] = [];
  for (const [i, id] of ids.entries()) entities.push(await entityFromJson(id, `entity_ids[${i}]`, keyFields));
  const inputs = readInputs(fields, ids.length);
  const head = { featureset, ...readOptions(fields) };
  return { featureset, entities, messages: () => messages(head, entities, inputs) };
}

interface BatchInputs {
  readonly inputs?: Record<string, Value>;
  readonly rowInputs?: readonly StructValue[];
}

function readInputs(fields: Fields, count: number): BatchInputs {
  const given = fields.get('inputs') ?? undefined;
  if (given === undefined) return {};
  if (!Array.isArray(given)) return { inputs: inputsAt(given, 'inputs') };
  if (given.length !== count)
    throw invalidArgument('inputs', `${given.length} for ${count} entity_ids: send one for each, or one object for all`);
  return { rowInputs: given.map((one, i) => create(StructValueSchema, { fields: inputsAt(one, `inputs[${i}]`) })) };
}

async function* messages(
  head: ReturnType<typeof readOptions> & { readonly featureset: string },
  entities: readonly AskedEntity[],
  { inputs = {}, rowInputs = [] }: BatchInputs,
): AsyncGenerator<QueryBatchStreamRequest> {
  for (let start = 0; start === 0 || start < entities.length; start += ROWS_PER_MESSAGE) {
    const end = start + ROWS_PER_MESSAGE;
    const part = { entities: entities.slice(start, end).map(({ key }) => key), rowInputs: rowInputs.slice(start, end) };
    yield await Promise.resolve(create(QueryBatchStreamRequestSchema, start === 0 ? { ...head, inputs, ...part } : part));
  }
}
