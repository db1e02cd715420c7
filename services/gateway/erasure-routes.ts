import { create } from '@bufbuild/protobuf';
import {
  ErasureReceipt_State as State,
  EraseRequestSchema,
  GetErasureRequestSchema,
  type ErasureReceipt,
} from '../../gen/thyme/v1/erasures_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, requestSchema, type JsonSchema, type Route } from '../../libs/rest/route.js';
import type { Catalog } from './catalog.js';
import { entityFromJson } from './entity-keys.js';
import type { GatewayServices } from './gateway-services.js';
import { ENTITY_SCHEMA, TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { bodyFields, jsonBody, requiredList, requiredText } from './request-fields.js';

const TIMEOUT_MS = 60_000;
/** Of one request; ingest has the same limit. */
const ENTITIES_MAX = 1_000;

/** Erases entities, and tells what became of that (S26). */
export function erasureRoutes({ ingest }: GatewayServices, catalog: Catalog): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/erase',
      scope: 'admin',
      summary: 'Erases entities from a dataset and from what was computed of it: what was acknowledged before is gone, later rows count.',
      body: jsonBody(ERASE_SCHEMA, { mebibytesMax: 1, wayOut: 'send the entities in several requests' }),
      answers: {
        [JSON_TYPE]: answerSchema({
          entities_erased: { type: 'integer', minimum: 0 },
          receipts: { type: 'array', items: RECEIPT_SCHEMA },
          token: { type: 'string', description: 'A query with after=TOKEN sees nothing of the earlier rows (S21).' },
        }),
      },
      timeoutMs: TIMEOUT_MS,
      callsMax: 16,
      async handle(request) {
        const fields = bodyFields(request, ERASE_SCHEMA);
        const dataset = requiredText(fields, 'dataset');
        const ids = requiredList(fields, 'entity_ids', ENTITIES_MAX);
        if (ids.length === 0) return jsonResponse(encodeJson({ entities_erased: 0, receipts: [], token: '' }));
        let names: Promise<readonly string[]> | undefined;
        const keyFields = () => (names ??= catalog.datasetKeys(dataset, request.context));
        const entities = [];
        for (const [i, id] of ids.entries()) entities.push((await entityFromJson(id, `entity_ids[${i}]`, keyFields)).key);
        const { receipts, token } = await ingest.erase(create(EraseRequestSchema, { dataset, entities }), request.context);
        return jsonResponse(encodeJson({ entities_erased: receipts.length, receipts: receipts.map(receiptJson), token }));
      },
    },
    {
      method: 'GET',
      path: '/api/v1/erasures/{id}',
      scope: 'admin',
      summary: 'The receipt of an erasure: what went, where and when, and what is still due.',
      answers: { [JSON_TYPE]: RECEIPT_SCHEMA },
      async handle({ pathParameters, context }) {
        const { receipt } = await ingest.getErasure(create(GetErasureRequestSchema, { id: pathParameters.get('id') ?? '' }), context);
        if (receipt === undefined) throw new ThymeError('THYME_NO_RECEIPT', 'INTERNAL', 'ingest answered without a receipt');
        return jsonResponse(encodeJson(receiptJson(receipt)));
      },
    },
  ];
}

function receiptJson(receipt: ErasureReceipt): { readonly [name: string]: JsonTree } {
  return {
    id: receipt.id,
    dataset: receipt.dataset,
    version: receipt.version,
    entity: receipt.entity === '' ? null : receipt.entity,
    asked_at: timeText(receipt.askedUs),
    state: (State[receipt.state] ?? 'unknown').toLowerCase(),
    partitions: receipt.partitions,
    effects: receipt.effects.map((effect) => ({
      reader: effect.reader,
      version: effect.version,
      fills: effect.fills,
      effect: effect.effect,
      reason: effect.reason === '' ? null : effect.reason,
      rows: effect.rows,
      partitions_passed: effect.partitionsPassed,
    })),
    rows: receipt.rows,
    due: receipt.due.map(({ what, byUs }) => ({ what, by: byUs === undefined ? null : timeText(byUs) })),
  };
}

const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
const TEXT: JsonSchema = { type: 'string' };
const TEXT_OR_NULL: JsonSchema = { type: ['string', 'null'] };

const RECEIPT_SCHEMA = answerSchema({
  id: TEXT,
  dataset: TEXT,
  version: COUNT,
  entity: { ...TEXT_OR_NULL, description: 'Null once nothing of it is left.' },
  asked_at: TIME_TEXT_SCHEMA,
  state: { type: 'string', enum: ['applying', 'applied', 'done'] },
  partitions: { type: 'array', items: COUNT },
  effects: {
    type: 'array',
    items: answerSchema({
      reader: { ...TEXT, description: 'A pipeline, or the index of the dataset.' },
      version: COUNT,
      fills: TEXT,
      effect: { type: 'string', enum: ['erased', 'unpublished', 'kept'] },
      reason: TEXT_OR_NULL,
      rows: COUNT,
      partitions_passed: COUNT,
    }),
  },
  rows: COUNT,
  due: { type: 'array', items: answerSchema({ what: TEXT, by: TEXT_OR_NULL }) },
});

const ERASE_SCHEMA = requestSchema({ dataset: TEXT, entity_ids: { type: 'array', maxItems: ENTITIES_MAX, items: ENTITY_SCHEMA } }, [
  'dataset',
  'entity_ids',
]);
