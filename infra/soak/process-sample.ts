import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../../test/crash/child.js';

/** What a process holds; undefined of one that has ended meanwhile. */
export interface ProcessSample {
  /** Memory that is the process's own and in RAM: without LevelDB's mapped tables, which the system may drop. Bytes. */
  readonly rssBytes: number;
  readonly descriptors: number;
}

export interface HeapSample {
  /** After a collection: objects of JavaScript, and the buffers that hang on them. Bytes. */
  readonly heapBytes: number;
  readonly bufferBytes: number;
}

const ANSWER_DEADLINE_MS = 10_000;
const POLL_MS = 20;
const KIB = 1_024;

/** From Linux's /proc. */
export async function sampleProcess(pid: number): Promise<ProcessSample | undefined> {
  try {
    const [status, descriptors] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'), readdir(`/proc/${pid}/fd`)]);
    const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? [];
    return kib === undefined ? undefined : { rssBytes: Number(kib) * KIB, descriptors: descriptors.length };
  } catch {
    return undefined; // it ended
  }
}

/** Asks memory-probe.ts; only of a process that is ready, since the signal ends one that has not loaded it yet. */
export async function sampleHeap(child: Child): Promise<HeapSample | undefined> {
  const before = lastAnswer(child)?.number ?? 0;
  child.signal('SIGUSR2');
  const endMs = Date.now() + ANSWER_DEADLINE_MS;
  while (child.isRunning() && Date.now() < endMs) {
    const answer = lastAnswer(child);
    if (answer !== undefined && answer.number > before) return { heapBytes: answer.heapUsed, bufferBytes: answer.external };
    await sleep(POLL_MS);
  }
  return undefined;
}

interface Answer {
  readonly number: number;
  readonly heapUsed: number;
  readonly external: number;
}

function lastAnswer({ errors }: Child): Answer | undefined {
  const line = errors.findLast((text) => text.startsWith('memory {'));
  return line === undefined ? undefined : (JSON.parse(line.slice('memory '.length)) as Answer); // by memory-probe.ts
}
