import assert from 'node:assert';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** The pipeline whose functions a record is given to. */
export interface WatchedPipeline {
  readonly name: string;
  readonly version: number;
  /** The topic of the dataset that it reads. */
  readonly topic: string;
}

/** A record's place in its dataset topic, which it keeps when it is re-keyed. */
export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
}

/**
 * Watches over the author's functions in a pipeline's steps (S23). One step at a time: a process runs its
 * steps on one thread.
 */
export interface StepWatch {
  /** Whether a step did not return at this record in an earlier life of the process. */
  isCondemned(pipeline: WatchedPipeline, place: RecordPlace): boolean;
  enter(pipeline: WatchedPipeline, place: RecordPlace): void;
  leave(): void;
}

export interface StepWatchdogOptions {
  /** Where hung steps are written down: a line of JSON each. Made when the first one is. */
  readonly file: string;
  /** How long a step may take, ms; it is ended within an eighth more. */
  readonly timeoutMs: number;
}

/** In the data folder of whoever works partitions. */
export const HUNG_STEPS_FILE = 'hung-steps.ndjson';

/** Steps take microseconds: by then it is an endless loop, or as good as one. */
export const STEP_TIMEOUT_MS = 30_000;

/**
 * Looks at one step before it counts as hung: as many as divide the timeout. A process that was stopped as
 * a whole (SIGSTOP, a sleeping laptop) loses one look by it, not the step's life.
 */
const LOOKS = 8;
/** The newest lines that are read at a start; each was a death of the process. */
const HUNG_STEPS_MAX = 10_000;
const PIPELINE_BYTES_MAX = 4_096;

// The memory that both threads see:
//
//   | generation i32 | stop i32 | length of the pipeline's JSON i32 | - | partition f64 | offset f64 | JSON utf8 ... |
//
// An odd generation is a step under way. The rest is written before it turns odd, so a watcher that finds the
// same odd generation again reads what belongs to it.
const PLACE_BYTE = 16;
const TEXT_BYTE = 32;

/**
 * The watchdog's thread, as plain JavaScript in one piece: a module of its own would have to be found from
 * source and from compiled output alike. It writes to file descriptors itself, because everything that passes
 * through the process's main thread waits for that thread, which is the one that hangs. Where the disk is full the
 * process ends all the same: another may take over what a hung one only holds.
 */
const WATCHER = `
const { workerData: { memory, file, lookMs, looks, timeoutMs } } = require('node:worker_threads');
const fs = require('node:fs');
const flags = new Int32Array(memory, 0, 3);
const place = new Float64Array(memory, ${PLACE_BYTE}, 2);
let seen = 0;
let times = 0;
while (Atomics.wait(flags, 1, 0, lookMs) === 'timed-out') {
  const generation = Atomics.load(flags, 0);
  times = generation % 2 !== 0 && generation === seen ? times + 1 : 0;
  seen = generation;
  if (times < looks) continue;
  const pipeline = JSON.parse(Buffer.from(new Uint8Array(memory, ${TEXT_BYTE}, flags[2])).toString());
  const hung = { ...pipeline, partition: place[0], offset: place[1], at: new Date().toISOString() };
  let failure;
  try {
    const fd = fs.openSync(file, 'a');
    fs.writeSync(fd, JSON.stringify(hung) + '\\n');
    fs.fsyncSync(fd);
  } catch (error) {
    failure = 'it could not be written down: ' + error.message;
  }
  const message = 'a step did not return within ' + timeoutMs + ' ms: the process ends, and its record is set aside at the next start';
  fs.writeSync(2, JSON.stringify({ time: hung.at, level: 'error', message, ...hung, failure }) + '\\n');
  process.kill(process.pid, 'SIGKILL');
}
`;

/**
 * Ends the process when a step does not return: nothing else can, for a function in an endless loop leaves its
 * thread no turn. The record's place is on disk before; after a restart it is a dead letter.
 */
export class StepWatchdog implements StepWatch {
  readonly #options: StepWatchdogOptions;
  readonly #condemned: ReadonlySet<string>;
  readonly #memory = new SharedArrayBuffer(TEXT_BYTE + PIPELINE_BYTES_MAX);
  readonly #flags = new Int32Array(this.#memory, 0, 3);
  readonly #place = new Float64Array(this.#memory, PLACE_BYTE, 2);
  #pipeline: WatchedPipeline | undefined;
  #watcher: Worker | undefined;

  constructor(options: StepWatchdogOptions) {
    this.#options = options;
    this.#condemned = readHung(options.file);
  }

  isCondemned(pipeline: WatchedPipeline, place: RecordPlace): boolean {
    return this.#condemned.size > 0 && this.#condemned.has(lineKey({ ...pipelineOf(pipeline), ...place }));
  }

  enter(pipeline: WatchedPipeline, { partition, offset }: RecordPlace): void {
    if (pipeline !== this.#pipeline) this.#name(pipeline);
    this.#place[0] = partition;
    this.#place[1] = offset;
    Atomics.add(this.#flags, 0, 1);
    this.#watcher ??= this.#startWatcher(); // the first step of the process: most deployments have none
  }

  leave(): void {
    Atomics.add(this.#flags, 0, 1);
  }

  /** Ends the thread. Idempotent. */
  stop(): void {
    Atomics.store(this.#flags, 1, 1);
    Atomics.notify(this.#flags, 1);
  }

  #name(pipeline: WatchedPipeline): void {
    const text = Buffer.from(JSON.stringify(pipelineOf(pipeline)));
    assert(text.length <= PIPELINE_BYTES_MAX, 'names are far shorter'); // checked at commit
    new Uint8Array(this.#memory, TEXT_BYTE).set(text);
    this.#flags[2] = text.length;
    this.#pipeline = pipeline;
  }

  #startWatcher(): Worker {
    const { file, timeoutMs } = this.#options;
    const watcher = new Worker(WATCHER, {
      eval: true,
      execArgv: [],
      workerData: { memory: this.#memory, file, timeoutMs, looks: LOOKS, lookMs: timeoutMs / LOOKS },
    });
    watcher.unref();
    return watcher;
  }
}

function pipelineOf({ name, version, topic }: WatchedPipeline): WatchedPipeline {
  return { name, version, topic };
}

function lineKey({ name, version, topic, partition, offset }: WatchedPipeline & RecordPlace): string {
  return JSON.stringify([name, version, topic, partition, offset]);
}

/** A line that was cut by the end of the machine names nothing, and is left out. */
function readHung(file: string): ReadonlySet<string> {
  if (!existsSync(file)) return new Set();
  const text = readFileSync(file, 'utf8');
  if (!text.endsWith('\n')) endLine(file);
  return new Set(
    text
      .split('\n')
      .slice(0, -1)
      .slice(-HUNG_STEPS_MAX)
      .flatMap((line) => parseLine(line) ?? []),
  );
}

function parseLine(line: string): string | undefined {
  try {
    return lineKey(JSON.parse(line) as WatchedPipeline & RecordPlace);
  } catch {
    return undefined;
  }
}

/** So that the next one does not continue the torn one. */
function endLine(file: string): void {
  const fd = openSync(file, 'a');
  try {
    writeSync(fd, '\n');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
