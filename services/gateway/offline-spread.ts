import { create } from '@bufbuild/protobuf';
import {
  QueryOfflineRequestSchema,
  QueryOfflineResponseSchema,
  type OfflineQuestion,
  type QueryOfflineRequest,
  type QueryOfflineResponse,
} from '../../gen/thyme/v1/query_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { spreadRows, type SpreadOptions } from './row-spread.js';

/** Rows of one message to a holder. */
export const ROWS_PER_MESSAGE = 500;

/** A training set over several holders, in the order asked; all questions are judged before the first is answered. */
export async function* spreadOffline(
  requests: AsyncIterable<QueryOfflineRequest>,
  options: SpreadOptions,
): AsyncGenerator<QueryOfflineResponse> {
  let head: QueryOfflineRequest | undefined;
  const questions: OfflineQuestion[] = [];
  for await (const request of requests) {
    head ??= request;
    for (const question of request.questions) questions.push(question);
  }
  if (head === undefined) throw invalidArgument('featureset', 'the stream ended before its first message: name the featureset there');
  const first: QueryOfflineRequest = { ...head, questions: [], judgeFirst: true };
  const parts = spreadRows<QueryOfflineResponse>(
    {
      featureset: head.featureset,
      entities: questions.map(({ entity }) => entity),
      ask: ({ query }, rows, context) => query.queryOffline(offlineMessages(first, questions, rows), context),
    },
    options,
  );
  let isFirst = true;
  for await (const { rows, streams } of parts) {
    // One of the holders goes on with the run; the others have none of that id, and begin one of their own.
    const told = streams.find(({ first: { queryRunId } }) => queryRunId === head.queryRunId) ?? streams[0];
    const { queryRunId = '', features = [] } = told?.first ?? {};
    yield create(QueryOfflineResponseSchema, isFirst ? { queryRunId, features, rows } : { rows });
    isFirst = false;
  }
}

/** Those questions that a holder answers, each with its place in the whole. */
async function* offlineMessages(
  first: QueryOfflineRequest,
  questions: readonly OfflineQuestion[],
  rows: readonly number[],
): AsyncGenerator<QueryOfflineRequest> {
  for (let start = 0; start === 0 || start < rows.length; start += ROWS_PER_MESSAGE) {
    const part = rows.slice(start, start + ROWS_PER_MESSAGE).flatMap((row): OfflineQuestion[] => {
      const question = questions[row];
      return question === undefined ? [] : [{ ...question, rowNumber: row }];
    });
    yield await Promise.resolve(start === 0 ? { ...first, questions: part } : create(QueryOfflineRequestSchema, { questions: part }));
  }
}
