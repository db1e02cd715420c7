import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type IntakeSchema, ListIntakesResponseSchema, LogResponseSchema, LogStreamResponseSchema, type IngestService, type ListIntakesRequest, type ListIntakesResponse, type LogRequest, type LogResponse, type LogStreamRequest, type LogStreamResponse } from '../../gen/thyme/v1/ingest_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { CallContext, ServiceHandlers } from '../../libs/rpc/handlers.js';
import { safeNumber } from '../../libs/wire/integers.js';
import { bodyOf } from './batch-body.js';
import { describeExpectation } from './expectation-counts.js';
import type { Batch, BatchResult, Ingest } from './ingest.js';

export interface IngestHandlers {
  log(request: LogRequest, context: CallContext): Promise<LogResponse>;
  logStream(requests: AsyncIterable<LogStreamRequest>, context: CallContext): AsyncGenerator<LogStreamResponse>;
  listIntakes(request: ListIntakesRequest): ListIntakesResponse;
}

/** The RPCs of IngestService. A batch that was begun is finished also when its caller has gone: nobody could say how far it came. */
export function ingestHandlers(ingest: Ingest): IngestHandlers {
  async function log(request: LogRequest, { signal }: CallContext): Promise<LogResponse> {
    signal.throwIfAborted();
    return responseOf(await ingest.push(batchOf(request)));
  }

  return {
    log,
    // One after the other, so that a stream's batches reach the log in the order they were sent.
    async *logStream(requests, context) {
      for await (const { batch } of requests) {
        if (batch === undefined) throw invalidArgument('batch', 'is missing: send a LogRequest');
        yield create(LogStreamResponseSchema, { result: await log(batch, context) });
      }
    },
    listIntakes: () => create(ListIntakesResponseSchema, { intakes: intakesOf(ingest) }),
  } satisfies ServiceHandlers<typeof IngestService>;
}

function intakesOf(ingest: Ingest): MessageInitShape<typeof IntakeSchema>[] {
  const expectations = ingest.expectations();
  return ingest.counts().map(({ dataset, accepted, refused, ignoredFields }) => ({
    dataset,
    accepted: BigInt(accepted),
    refused: BigInt(refused),
    ignoredFields: BigInt(ignoredFields),
    expectations: expectations
      .filter((result) => result.dataset === dataset)
      .map(({ expectation, checked, failed }) => ({ expectation: describeExpectation(expectation), mostly: expectation.mostly, checked: BigInt(checked), failed: BigInt(failed) })),
  }));
}

function batchOf(request: LogRequest): Batch {
  const { dataset, historical } = request;
  return { dataset, historical, body: bodyOf(request), ...producerOf(request) };
}

function producerOf({ producerId, sequence }: LogRequest): Pick<Batch, 'producer'> {
  if (producerId === '' && sequence === undefined) return {};
  if (producerId === '') throw invalidArgument('producer_id', 'is missing beside sequence: send both or neither');
  if (sequence === undefined) throw invalidArgument('sequence', 'is missing beside producer_id: send both or neither');
  return { producer: { id: producerId, sequence: safeNumber(sequence, 'sequence') } };
}

function responseOf({ accepted, refused, errors, token }: BatchResult): LogResponse {
  const unlisted = refused - errors.length;
  const last = errors.at(-1);
  const rest = unlisted === 0 || last === undefined ? [] : [{ index: last.index + 1, error: `and ${unlisted} more were refused: see the dead letters` }];
  return create(LogResponseSchema, { eventsSent: BigInt(accepted), token, errors: [...errors, ...rest] });
}
