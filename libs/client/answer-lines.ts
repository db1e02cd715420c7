import { RestError } from './rest-error.js';

/**
 * The lines of an NDJSON answer but its last, `{"end":true,"rows":N}`, by which it is known to be whole. Split at LF
 * only. Rejects with RestError where the answer ends before: the deployment cuts it where a row fails.
 */
export async function* answerLines({ body, status }: Response): AsyncGenerator<string> {
  let rows = 0;
  let last: string | undefined;
  try {
    for await (const line of linesOf(body ?? new ReadableStream<Uint8Array>())) {
      if (last !== undefined) {
        yield last;
        rows++;
      }
      last = line;
    }
  } catch (error) {
    if (error instanceof RestError) throw error;
    throw new RestError(status, `the answer was cut off after ${rows} rows: the next one failed, ask for it alone to be told why`, {
      cause: error,
    });
  }
  if (last !== `{"end":true,"rows":${rows}}`) throw new RestError(status, `the answer ended after ${rows} rows, without its last line`);
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const pieces = decoder.decode(bytes, { stream: true }).split('\n');
    pieces[0] = rest + (pieces[0] ?? '');
    rest = pieces.pop() ?? '';
    yield* pieces;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
