import { execFile } from 'node:child_process';
import { expect } from 'chai';

/** An answer of REST, whoever fetched it. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

export interface HttpOptions {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

const DEADLINE_MS = 60_000;

/** With Node's own client. A body that is not described is JSON. */
export async function request(url: string, { body, headers = {}, method }: HttpOptions = {}): Promise<HttpAnswer> {
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...type, ...headers },
    body: body ?? null,
    signal: AbortSignal.timeout(DEADLINE_MS),
    redirect: 'manual',
  });
  return { status: response.status, headers: new Map(response.headers), text: await response.text() };
}

export function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return request(url, { body: JSON.stringify(body), headers });
}

/** With the program that users paste into their shells; a body goes in by standard input. */
export async function curl(url: string, body?: unknown): Promise<HttpAnswer> {
  const posted = body === undefined ? [] : ['-H', 'content-type: application/json', '-H', 'expect:', '--data-binary', '@-'];
  const output = await run(
    'curl',
    ['-sS', '-i', '--max-time', String(DEADLINE_MS / 1_000), ...posted, url],
    body === undefined ? '' : JSON.stringify(body),
  );
  const end = output.indexOf('\r\n\r\n');
  const [first = '', ...lines] = output.slice(0, end).split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  return { status: Number(first.split(' ')[1]), headers, text: output.slice(end + 4) };
}

/**
 * Asks again until the answer is as wanted: curl starts a process each time, which is pause enough.
 * Rejects with the last answer after a minute.
 */
export async function curlUntil(url: string, isWanted: (answer: HttpAnswer) => boolean): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  for (;;) {
    const answer = await curl(url);
    if (isWanted(answer)) return answer;
    if (deadline.aborted) throw new Error(`still not as wanted after ${DEADLINE_MS} ms: ${answer.status} ${answer.text.slice(0, 500)}`);
  }
}

/** Parsed, with a failure that shows the answer where the status is another. */
export function jsonOf(answer: HttpAnswer, status = 200): Record<string, unknown> {
  expect(answer.status, answer.text.slice(0, 1_000)).to.equal(status);
  return JSON.parse(answer.text) as Record<string, unknown>;
}

/** Runs a program to its end; rejects, with what it wrote to standard error, unless it exits with 0. */
export function run(file: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${file} ended with ${String(error.code)}: ${stderr}${stdout}`));
    });
    child.stdin?.on('error', () => undefined); // a program that refuses early does not read its input
    child.stdin?.end(input);
  });
}
