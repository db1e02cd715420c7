// Generated request messages as the engine takes them.
import type {
  OfflineQuestion as OfflineQuestionMessage,
  QueryBatchRequest,
  QueryBatchStreamRequest,
  QueryOfflineRequest,
  QueryRequest,
} from '../../gen/thyme/v1/query_pb.js';
import type { EntityKey, StructValue } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { safeNumber } from '../../libs/wire/integers.js';
import { textIfAny } from '../../libs/wire/present.js';
import { instantIfAny, microsOf } from '../../libs/wire/timestamps.js';
import { plainEntries, plainFromProto } from '../../libs/wire/untyped-values.js';
import type { BatchInput, OfflineInput, OfflineQuestion, QueryInput, QueryTime } from './answers.js';
import { BATCH_ENTITIES_MAX } from './query-limits.js';
import type { GivenInputs } from './row-inputs.js';

type TimeMembers = Pick<QueryRequest, 'timestampUs' | 'knownAtUs' | 'timestamp' | 'knownAt' | 'after'>;

export function timeOf({ timestampUs, knownAtUs, timestamp, knownAt, after }: TimeMembers): QueryTime {
  return {
    timestampUs: instantIfAny(timestampUs, timestamp, 'timestamp'),
    knownAtUs: instantIfAny(knownAtUs, knownAt, 'known_at'),
    after: textIfAny(after),
  };
}

export function entityOf(key: EntityKey | undefined, place: string): readonly unknown[] {
  if (key === undefined) throw invalidArgument(place, 'is missing: send its key');
  return key.values.map((value, i) => plainFromProto(value, `${place}.values[${i}]`));
}

export function queryInputOf(request: QueryRequest): QueryInput {
  const inputs = plainEntries(request.inputs, 'inputs.');
  return { featureset: request.featureset, entity: entityOf(request.entity, 'entity'), inputs, ...timeOf(request) };
}

export function batchInputOf(request: QueryBatchRequest): BatchInput {
  const entities = request.entities.map((entity, i) => entityOf(entity, `entities[${i}]`));
  return { featureset: request.featureset, entities, inputs: batchInputsOf(request), ...timeOf(request) };
}

/** A whole stream, since every row is judged before the first is answered. */
export async function batchInputOfStream(requests: AsyncIterable<QueryBatchStreamRequest>): Promise<BatchInput> {
  let first: QueryBatchStreamRequest | undefined;
  const entities: unknown[] = [];
  const rowInputs: StructValue[] = [];
  const rowNumbers: number[] = [];
  for await (const request of requests) {
    first ??= request;
    const start = entities.length;
    if (start + request.entities.length > BATCH_ENTITIES_MAX)
      throw invalidArgument('entities', `there are more than the limit of ${BATCH_ENTITIES_MAX}: send several batches`);
    checkLength('row_inputs', request.rowInputs, request);
    checkLength('row_numbers', request.rowNumbers, request);
    for (const [i, entity] of request.entities.entries()) {
      const number = request.rowNumbers[i] ?? start + i;
      entities.push(entityOf(entity, `entities[${number}]`));
      rowNumbers.push(number);
    }
    for (const inputs of request.rowInputs) rowInputs.push(inputs);
  }
  if (first === undefined) throw streamEndedEarly();
  const inputs = batchInputsOf({ inputs: first.inputs, rowInputs });
  return { featureset: first.featureset, entities, rowNumbers, inputs, ...timeOf(first) };
}

function checkLength(name: string, list: readonly unknown[], { entities }: QueryBatchStreamRequest): void {
  if (list.length > 0 && list.length !== entities.length)
    throw invalidArgument(name, `${list.length} for the ${entities.length} entities of the message: send one for each, or none`);
}

function batchInputsOf({ inputs, rowInputs }: Pick<QueryBatchRequest, 'inputs' | 'rowInputs'>): BatchInput['inputs'] {
  const shared = plainEntries(inputs, 'inputs.');
  if (rowInputs.length === 0) return shared.size === 0 ? undefined : shared;
  if (shared.size > 0) throw invalidArgument('row_inputs', 'stand beside inputs, which all rows share: send one of the two');
  return rowInputs.map(({ fields }, i) => plainEntries(fields, `inputs[${i}].`));
}

export function offlineInputOf({ featureset, knownAtUs, knownAt, knownAtTimestamp, judgeFirst }: QueryOfflineRequest): OfflineInput {
  const instant = instantIfAny(knownAtUs, knownAt, 'known_at');
  if (knownAtTimestamp && instant !== undefined)
    throw invalidArgument(knownAt === undefined ? 'known_at_us' : 'known_at', 'stands beside known_at_timestamp: send one of them');
  return { featureset, knownAt: knownAtTimestamp ? 'timestamp' : instant, judgeFirst };
}

export async function* questionsOf(
  first: QueryOfflineRequest,
  rest: AsyncIterator<QueryOfflineRequest>,
): AsyncGenerator<readonly OfflineQuestion[]> {
  let asked = 0;
  try {
    for (let message = first; ;) {
      const start = asked;
      asked += message.questions.length;
      yield message.questions.map((question, i) => questionOf(question, start + i));
      const next = await rest.next();
      if (next.done === true) return;
      message = next.value;
    }
  } finally {
    await rest.return?.(); // a caller who is refused is told so, not read on
  }
}

function questionOf({ entity, timestampUs, timestamp, inputs, rowNumber }: OfflineQuestionMessage, index: number): OfflineQuestion {
  const place = `queries[${rowNumber ?? index}]`;
  if (timestamp !== undefined && timestampUs !== 0n)
    throw invalidArgument(`${place}.timestamp`, 'stands beside timestamp_us: send one of them');
  return {
    entity: entityOf(entity, `${place}.entity`),
    timestampUs: timestamp === undefined ? safeNumber(timestampUs, `${place}.timestamp_us`) : microsOf(timestamp, `${place}.timestamp`),
    inputs: rowInputsOf(inputs, place),
    rowNumber,
  };
}

/** Most featuresets have none. */
function rowInputsOf(inputs: OfflineQuestionMessage['inputs'], place: string): GivenInputs | undefined {
  for (const _name in inputs) return plainEntries(inputs, `${place}.inputs.`);
  return undefined;
}

export function streamEndedEarly(): Error {
  return invalidArgument('featureset', 'the stream ended before its first message: name the featureset there');
}
