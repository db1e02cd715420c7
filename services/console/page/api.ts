import { sessionKey } from './session.js';

/** A refusal of the platform, in its own words. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    /** `THYME_...`, or what stands for it where nothing answered. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface AskOptions {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

export interface Answer<T> {
  readonly body: T;
  readonly runId: string | undefined;
}

/** GET, or POST where there is a body. The shape is what OpenAPI promises of the path. Rejects with an ApiProblem. */
export async function ask<T>(path: string, options: AskOptions = {}): Promise<T> {
  return (await askWhole<T>(path, options)).body;
}

/** With the query run that the answer is on record as. */
export async function askWhole<T>(path: string, { body, query = {}, signal }: AskOptions = {}): Promise<Answer<T>> {
  const parameters = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const key = sessionKey();
  const response = await fetch(parameters.size === 0 ? path : `${path}?${parameters.toString()}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
    credentials: 'omit',
  }).catch((cause: unknown) => {
    if (signal?.aborted === true) throw cause;
    throw new ApiProblem(0, 'NO ANSWER', 'the platform does not answer at this address: is it running?');
  });
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, text);
  return { body: JSON.parse(text) as T, runId: response.headers.get('x-query-run-id') ?? undefined };
}

function problemOf(status: number, text: string): ApiProblem {
  try {
    const { type = '', detail, title } = JSON.parse(text) as { readonly type?: string; readonly detail?: string; readonly title?: string };
    const code = /^urn:thyme:error:(\w+)$/.exec(type)?.[1];
    return new ApiProblem(status, code ?? String(status), detail ?? title ?? text);
  } catch {
    return new ApiProblem(status, String(status), text.slice(0, 300));
  }
}
