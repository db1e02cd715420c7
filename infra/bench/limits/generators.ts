import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runLoad } from '../run-load.js';
import { QUERY_PATH } from './query-path.js';

/** What a generator has done: answers, and how many a second. */
export interface Generated {
  readonly count: number;
  readonly perS: number;
}

/** Asks one server for so many seconds with 16 requests under way; rejects where any was refused. */
export interface Generator {
  readonly name: string;
  run(url: string, seconds: number): Promise<Generated>;
}

const UNDER_WAY = 16;

/** POST /features with these bodies by turns, one after the other on each of 16 connections: `wrk`, where it is installed. */
export async function restGenerator(folder: string, bodies: readonly string[]): Promise<Generator> {
  if (!(await isInstalled('wrk', '--version'))) {
    const run = (url: string, seconds: number): Promise<Generated> =>
      plain({ kind: 'bareReads', protocol: 'rest', url, requests: bodies, underWay: UNDER_WAY, seconds });
    return { name: "the benches' own client", run };
  }
  const script = join(folder, 'reads.lua');
  await writeFile(script, wrkScript(bodies));
  const args = ['--threads', '1', '--connections', String(UNDER_WAY), '--script', script];
  return {
    name: 'wrk',
    async run(url, seconds) {
      const printed = await execute('wrk', [...args, '--duration', wholeSeconds(seconds), url]);
      if (/Non-2xx|Socket errors/.test(printed)) throw new Error(`wrk was refused: ${printed}`);
      return { count: numberIn(printed, /(\d+) requests in/), perS: numberIn(printed, /Requests\/sec: +([\d.]+)/) };
    },
  };
}

/** Query with this message, 16 at a time on one connection: `h2load`, where it is installed. */
export async function grpcGenerator(folder: string, message: Uint8Array): Promise<Generator> {
  if (!(await isInstalled('h2load', '--version'))) {
    const requests = [Buffer.from(message).toString('base64')];
    const run = (url: string, seconds: number): Promise<Generated> =>
      plain({ kind: 'bareReads', protocol: 'grpc', url, requests, underWay: UNDER_WAY, seconds });
    return { name: "the benches' own client", run };
  }
  const file = join(folder, 'query.bin');
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  await writeFile(file, Buffer.concat([prefix, message]));
  const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  return {
    name: 'h2load',
    async run(url, seconds) {
      const args = ['-t', '1', '-c', '1', '-m', String(UNDER_WAY), '-D', wholeSeconds(seconds), '-d', file, ...headers];
      const printed = await execute('h2load', [...args, url + QUERY_PATH]);
      const count = numberIn(printed, /(\d+) succeeded/);
      if (count === 0 || !/ 0 failed, 0 errored/.test(printed)) throw new Error(`h2load was refused: ${printed}`);
      return { count, perS: numberIn(printed, /, ([\d.]+) req\/s/) };
    },
  };
}

async function plain(job: Parameters<typeof runLoad>[0]): Promise<Generated> {
  const { served, achievedPerS } = await runLoad(job);
  return { count: served, perS: achievedPerS };
}

/** Both generators count in whole seconds. */
function wholeSeconds(seconds: number): string {
  return String(Math.max(1, Math.round(seconds)));
}

function wrkScript(bodies: readonly string[]): string {
  const list = bodies.map((body) => `  [==[${body}]==],`).join('\n');
  return `local bodies = {\n${list}\n}
local n = 0
request = function()
  n = n % #bodies + 1
  return wrk.format("POST", "/features", { ["content-type"] = "application/json" }, bodies[n])
end
`;
}

function numberIn(text: string, pattern: RegExp): number {
  const found = Number(pattern.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(found)) throw new Error(`no ${pattern.source} in: ${text}`);
  return found;
}

function isInstalled(program: string, argument: string): Promise<boolean> {
  return new Promise((resolve) =>
    execFile(program, [argument], (error) => resolve(!(error !== null && 'code' in error && error.code === 'ENOENT'))),
  );
}

function execute(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) =>
    execFile(program, args, (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(`${program}: ${stderr}`)))),
  );
}
