import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ThymeError } from '../../libs/errors/errors.js';
import { systemClock } from '../../libs/time/clock.js';

/** A module of classes loads in milliseconds; one that takes so long would hold every process that serves it. */
export const REHEARSAL_MS_MAX = 5_000;
/** For the worker itself to start, on a machine that is busy. */
const WORKER_START_MS_MAX = 30_000;
/** What its objects may take, and so many bytes in buffers, which V8 does not count. */
export const REHEARSAL_MEBIBYTES_MAX = 256;
const LOOK_MS = 20;
const MIB = 1_024 * 1_024;

const IS_SOURCE = import.meta.url.endsWith('.ts');

/** Bundles that have been rehearsed in this process, by their code: the same is often committed again. */
const REHEARSED_MAX = 64;
const rehearsed = new Set<string>();

const RESOURCES = { maxOldGenerationSizeMb: REHEARSAL_MEBIBYTES_MAX, maxYoungGenerationSizeMb: 32 };
let idle: Worker | undefined;

/** In a text, for the worker: this file itself imports nothing by it. */
const IMPORT = 'import';

/** It begins with a bundle, and is done with it. */
export type WorkerWord = 'started' | 'loaded';

/**
 * Runs a bundle and its pipelines' methods once in a worker, before this process runs them itself: an endless loop at a module's
 * top level, or a list that grows for ever, then ends the worker and not the server. THYME_BUNDLE_UNBOUNDED says which limit it
 * met. What the code throws is not told here: whoever loads it next meets that too. It protects from mistakes, not from malice:
 * a bundle is code with this process's rights (DESIGN 8).
 */
export async function rehearseBundle(code: string): Promise<void> {
  if (code === '' || rehearsed.has(code)) return;
  const worker = takeWorker();
  try {
    await ending(worker, code);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  keep(worker);
  const [oldest] = rehearsed;
  if (oldest !== undefined && rehearsed.size >= REHEARSED_MAX) rehearsed.delete(oldest);
  rehearsed.add(code);
}

function takeWorker(): Worker {
  const worker = idle ?? new Worker(entry(), { eval: true, execArgv: [], resourceLimits: RESOURCES });
  idle = undefined;
  worker.removeAllListeners();
  worker.ref();
  return worker;
}

/** Commits often come one after the other, and a worker takes longer to start than a bundle to load. */
function keep(worker: Worker): void {
  worker.removeAllListeners();
  worker.on('error', () => undefined); // what the bundle has left to happen later
  worker.unref();
  if (idle !== undefined) void idle.terminate();
  idle = worker;
  worker.once('exit', () => {
    if (idle === worker) idle = undefined;
  });
}

function ending(worker: Worker, code: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let limitAt = performance.now() + WORKER_START_MS_MAX;
    let rssMax = Number.POSITIVE_INFINITY;
    const over = new AbortController();
    const look = async (): Promise<void> => {
      while (!over.signal.aborted) {
        if (performance.now() > limitAt) settle(unbounded(`did not load within ${REHEARSAL_MS_MAX / 1_000} s`));
        else if (process.memoryUsage.rss() > rssMax) settle(tooMuchMemory());
        await systemClock.sleep(LOOK_MS, over.signal);
      }
    };
    const settle = (error?: unknown): void => {
      over.abort();
      if (error === undefined) resolve();
      else reject(error);
    };
    worker.on('message', (word: WorkerWord) => {
      if (word === 'loaded') settle();
      limitAt = performance.now() + REHEARSAL_MS_MAX;
      rssMax = process.memoryUsage.rss() + 2 * REHEARSAL_MEBIBYTES_MAX * MIB;
    });
    worker.on('error', (error: NodeJS.ErrnoException) => settle(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuchMemory() : error));
    worker.on('exit', () => settle(unbounded('ended the process that loaded it')));
    worker.postMessage(code);
    void look();
  });
}

/** Where this program runs from source, the worker first needs a loader for TypeScript, as this thread has one. */
function entry(): string {
  const worker = new URL(`./bundle-worker${extname(import.meta.url)}`, import.meta.url);
  if (!IS_SOURCE) return importOf(worker);
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx'));
  return `${importOf(new URL('./esm/api/index.mjs', tsx))}.then(({ register }) => (register(), ${importOf(worker)}))`;
}

function importOf({ href }: URL): string {
  return `${IMPORT}(${JSON.stringify(href)})`;
}

function tooMuchMemory(): ThymeError {
  return unbounded(`took more than ${REHEARSAL_MEBIBYTES_MAX} MiB`);
}

function unbounded(what: string): ThymeError {
  return new ThymeError(
    'THYME_BUNDLE_UNBOUNDED',
    'INVALID_ARGUMENT',
    `bundle: its code ${what}: modules and the methods of pipelines only declare; take work out of them, and commit again`,
    [{ field: 'bundle', description: `its code ${what}` }],
  );
}
