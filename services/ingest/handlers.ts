import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type IntakeSchema,
  ListDeadLettersResponseSchema,
  ListIntakesResponseSchema,
  LogResponseSchema,
  LogStreamResponseSchema,
  PushDeadLetterResponseSchema,
  type IngestService,
  type ListDeadLettersRequest,
  type ListDeadLettersResponse,
  type PushDeadLetterRequest,
  type PushDeadLetterResponse,
  type ListNewestRecordsRequest,
  type ListNewestRecordsResponse,
  type ListLateRecordsRequest,
  type ListLateRecordsResponse,
  type ListIntakesRequest,
  type ListIntakesResponse,
  type LogRequest,
  type LogResponse,
  type LogStreamRequest,
  type LogStreamResponse,
} from '../../gen/thyme/v1/ingest_pb.js';
import {
  EraseResponseSchema,
  GetErasureResponseSchema,
  type EraseRequest,
  type EraseResponse,
  type GetErasureRequest,
  type GetErasureResponse,
} from '../../gen/thyme/v1/erasures_pb.js';
import {
  ListSourcesResponseSchema,
  ResetSourceResponseSchema,
  SetSourcePausedResponseSchema,
  TestSourceResponseSchema,
  type ListSourcesResponse,
  type ResetSourceRequest,
  type ResetSourceResponse,
  type SetSourcePausedRequest,
  type SetSourcePausedResponse,
  type TestSourceRequest,
  type TestSourceResponse,
} from '../../gen/thyme/v1/sources_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { CallContext, ServiceHandlers } from '../../libs/rpc/handlers.js';
import { safeNumber } from '../../libs/wire/integers.js';
import { plainFromProto } from '../../libs/wire/untyped-values.js';
import { bodyOf } from './batch-body.js';
import { describeExpectation } from './expectation-counts.js';
import { askedReceipt, receiptMessage } from './erasure-messages.js';
import type { Batch, BatchResult, Ingest } from './ingest.js';
import { lateQuestionOf, lateRecordsResponse } from './late-record-messages.js';
import { sourceStatusMessage } from './sources/source-messages.js';
import type { Sources } from './sources/sources.js';

/** Characters of a sample row that an answer holds. */
const SAMPLE_LENGTH_MAX = 65_536;

export interface IngestHandlers {
  log(request: LogRequest, context: CallContext): Promise<LogResponse>;
  logStream(requests: AsyncIterable<LogStreamRequest>, context: CallContext): AsyncGenerator<LogStreamResponse>;
  erase(request: EraseRequest, context: CallContext): Promise<EraseResponse>;
  getErasure(request: GetErasureRequest): Promise<GetErasureResponse>;
  listDeadLetters(request: ListDeadLettersRequest): Promise<ListDeadLettersResponse>;
  pushDeadLetter(request: PushDeadLetterRequest, context: CallContext): Promise<PushDeadLetterResponse>;
  listNewestRecords(request: ListNewestRecordsRequest): Promise<ListNewestRecordsResponse>;
  listLateRecords(request: ListLateRecordsRequest, context: CallContext): Promise<ListLateRecordsResponse>;
  listIntakes(request: ListIntakesRequest): ListIntakesResponse;
  listSources(): ListSourcesResponse;
  testSource(request: TestSourceRequest, context: CallContext): Promise<TestSourceResponse>;
  setSourcePaused(request: SetSourcePausedRequest): Promise<SetSourcePausedResponse>;
  resetSource(request: ResetSourceRequest, context: CallContext): Promise<ResetSourceResponse>;
}

/** The RPCs of IngestService. A batch that was begun is finished also when its caller has gone: nobody could say how far it came. */
export function ingestHandlers(ingest: Ingest, sources: Pick<Sources, 'list' | 'test' | 'setPaused' | 'reset'>): IngestHandlers {
  async function log(request: LogRequest, { signal, apiKeyFingerprint }: CallContext): Promise<LogResponse> {
    signal.throwIfAborted();
    return responseOf(await ingest.push(batchOf(request, apiKeyFingerprint)));
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
    async erase({ dataset, entities }, { signal }) {
      signal.throwIfAborted();
      const asked = entities.map(({ values }, i) => values.map((value, at) => plainFromProto(value, `entities[${i}].values[${at}]`)));
      const { receipts, token } = await ingest.erase(dataset, asked);
      return create(EraseResponseSchema, { receipts: receipts.map((asked) => askedReceipt(asked, ingest.erasureTerms)), token });
    },
    getErasure: async ({ id }) =>
      create(GetErasureResponseSchema, { receipt: receiptMessage(await ingest.erasure(id), ingest.erasureTerms) }),
    listDeadLetters: async ({ dataset, limit, cursor }) =>
      create(ListDeadLettersResponseSchema, await ingest.deadLetters.list(dataset, { limit, cursor })),
    async pushDeadLetter(request, { signal }) {
      signal.throwIfAborted();
      return create(PushDeadLetterResponseSchema, { token: await ingest.deadLetters.pushAgain(request) });
    },
    listNewestRecords: (request) => ingest.newestRecords(request),
    listLateRecords: async (request, { signal }) => lateRecordsResponse(await ingest.lateRecords.list(lateQuestionOf(request), signal)),
    listIntakes: () => create(ListIntakesResponseSchema, { intakes: intakesOf(ingest) }),
    listSources: () => create(ListSourcesResponseSchema, { sources: sources.list().map(sourceStatusMessage) }),
    async testSource({ dataset }, { signal }) {
      const { steps, sample } = await sources.test(dataset, signal);
      return create(TestSourceResponseSchema, { steps: [...steps], sample: sample === undefined ? '' : sampleText(sample) });
    },
    async setSourcePaused({ dataset, paused }) {
      await sources.setPaused(dataset, paused);
      return create(SetSourcePausedResponseSchema);
    },
    resetSource: async ({ dataset, to }, { signal }) =>
      create(ResetSourceResponseSchema, { position: await sources.reset(dataset, to, signal) }),
  } satisfies ServiceHandlers<typeof IngestService>;
}

function intakesOf(ingest: Ingest): MessageInitShape<typeof IntakeSchema>[] {
  const expectations = ingest.expectations();
  return ingest
    .counts()
    .map(({ dataset, accepted, refused, ignoredFields }) => ({
      dataset,
      accepted: BigInt(accepted),
      refused: BigInt(refused),
      ignoredFields: BigInt(ignoredFields),
      expectations: expectations
        .filter((result) => result.dataset === dataset)
        .map(({ expectation, checked, failed }) => ({
          expectation: describeExpectation(expectation),
          mostly: expectation.mostly,
          checked: BigInt(checked),
          failed: BigInt(failed),
        })),
    }));
}

/** As JSON; a long one is cut, and is then none. */
function sampleText(sample: unknown): string {
  return JSON.stringify(sample, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).slice(0, SAMPLE_LENGTH_MAX);
}

function batchOf(request: LogRequest, fingerprint: string | undefined): Batch {
  const { dataset, historical } = request;
  return { dataset, historical, after: request.after, body: bodyOf(request), ...producerOf(request, fingerprint) };
}

function producerOf({ producerId, sequence }: LogRequest, fingerprint: string | undefined): Pick<Batch, 'producer'> {
  if (producerId === '' && sequence === undefined) return {};
  if (producerId === '') throw invalidArgument('producer_id', 'is missing beside sequence: send both or neither');
  if (sequence === undefined) throw invalidArgument('sequence', 'is missing beside producer_id: send both or neither');
  return { producer: { id: producerId, sequence: safeNumber(sequence, 'sequence'), fingerprint } };
}

function responseOf({ accepted, refused, errors, token }: BatchResult): LogResponse {
  const unlisted = refused - errors.length;
  const last = errors.at(-1);
  const rest =
    unlisted === 0 || last === undefined
      ? []
      : [{ index: last.index + 1, error: `and ${unlisted} more were refused: see the dead letters` }];
  return create(LogResponseSchema, { eventsSent: BigInt(accepted), token, errors: [...errors, ...rest] });
}
