import { RestError, type RequestOptions, type RestClient } from './rest-client.js';

/** Events in one push: large enough that a request's own cost does not show, far below the limit. */
export const PUSH_EVENTS_MAX = 2_000;

/** Bytes of events in one push: a quarter of what a body may have. One event alone may have more. */
export const PUSH_BYTES_MAX = 8 * 1_024 * 1_024;

/** One request of `POST /api/v1/log`. */
export interface Push {
  readonly dataset: string;
  /** Each as JSON text: a number keeps the digits that it was written with. */
  readonly events: readonly string[];
  readonly historical?: boolean | undefined;
  /** With `sequence`, of the first event; the others follow (S13). */
  readonly producerId?: string | undefined;
  readonly sequence?: number | undefined;
  /** The token of the push before: the answer's covers both (S21). */
  readonly after?: string | undefined;
}

export interface PushAnswer {
  readonly eventsSent: number;
  readonly token: string | undefined;
  /** By index in the push; the others were taken. */
  readonly refused: readonly { readonly index: number; readonly error: string }[];
}

/** Pushes events. A refused one is part of the answer; rejects with RestError where the push as a whole failed. */
export async function pushEvents(rest: RestClient, push: Push): Promise<PushAnswer> {
  try {
    return await pushAll(rest, push);
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** The answer that an error of `pushAll` holds where events were refused. */
export function refusalIn(error: unknown): PushAnswer | undefined {
  return error instanceof RestError && error.status === 422 && isRefusal(error.problem) ? answerOf(error.problem) : undefined;
}

/**
 * The same, but rejects with RestError where any event was refused, too. A push with producer and sequence counts once however
 * often it is made (S13), and no other one is made again.
 */
export async function pushAll(rest: RestClient, push: Push, options: Omit<RequestOptions, 'mayRepeat'> = {}): Promise<PushAnswer> {
  const mayRepeat = push.producerId !== undefined && push.sequence !== undefined;
  const { body } = await rest.postText('/api/v1/log', pushBody(push), { ...options, mayRepeat });
  return answerOf(body);
}

/** Whether the events so far, of so many bytes, leave room for one more. */
export function hasRoom(events: number, bytes: number, moreBytes: number): boolean {
  return events < PUSH_EVENTS_MAX && (events === 0 || bytes + moreBytes <= PUSH_BYTES_MAX);
}

function pushBody({ dataset, events, historical, producerId, sequence, after }: Push): string {
  const rest = JSON.stringify({ dataset, historical, producer_id: producerId, sequence, after });
  return `${rest.slice(0, -1)},"events":[${events.join(',')}]}`;
}

interface LogAnswer {
  readonly events_sent: number;
  readonly token?: string;
  readonly errors?: readonly { readonly index: number; readonly error: string }[];
}

function isRefusal(problem: unknown): problem is LogAnswer {
  return (
    typeof problem === 'object' && problem !== null && 'events_sent' in problem && 'errors' in problem && Array.isArray(problem.errors)
  );
}

function answerOf(body: unknown): PushAnswer {
  const { events_sent: eventsSent, token, errors = [] } = body as LogAnswer;
  return { eventsSent: Number(eventsSent), token, refused: errors };
}
