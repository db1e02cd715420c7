import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Killer, type KillResult } from '../../test/crash/killer.js';
import { report } from '../../test/crash/questions.js';
import { Random } from '../../test/crash/random.js';
import { restClient, until } from '../../test/crash/rest.js';
import type { Round } from '../../test/crash/round.js';
import type { RestClient } from '../../libs/client/rest-client.js';
import { sampleHeap, sampleProcess } from './process-sample.js';
import { quantile, type Point } from './slope.js';
import type { ProcessKind, SeriesKind } from './soak-limits.js';
import { SoakReads } from './soak-reads.js';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** At random moments of the first half; growth is judged in the second. */
  readonly kills: number;
  /** Told of each round of samples. */
  readonly tell: (line: string) => void;
}

/** By process and kind, or by kind alone. */
export type SeriesName = `${string}: ${ProcessKind}` | Exclude<SeriesKind, ProcessKind>;

const SAMPLE_MS = 5_000;
/** A collection stops the process for its length, so not at every sample. */
const HEAP_EVERY = 4;
const COMMIT_EVERY_MS = 20_000;
const COMMIT_DEADLINE_MS = 30_000;
const KILLED = ['owner', 'reader', 'standby'] as const;

/** What happens to a deployment in its minutes, beside the load: samples, reads, commits, kills. */
export class Soak {
  readonly series = new Map<SeriesName, Point[]>();
  /** The machine's load average over a minute: what others do on it is none of the platform's latency. */
  readonly machineLoad: Point[] = [];
  readonly reads: SoakReads;
  commits = 0;
  readonly #round: Round;
  readonly #options: SoakOptions;
  readonly #client: RestClient;
  readonly #random: Random;
  readonly #startMs = Date.now();
  #samples = 0;

  constructor(round: Round, options: SoakOptions) {
    this.#round = round;
    this.#options = options;
    this.#client = restClient(round.cluster.restUrl);
    this.#random = new Random(options.seed);
    this.reads = new SoakReads(restClient(round.cluster.restUrl), round.findings, new Random(options.seed + 1));
  }

  async run(): Promise<readonly KillResult[]> {
    const stopping = new AbortController();
    const sampling = this.#sampleUntil(stopping.signal);
    try {
      return await this.#disturb();
    } finally {
      stopping.abort();
      await sampling;
      await this.reads.stop();
    }
  }

  /** Commits all along, kills in between; one thing at a time, since both start with what the other leaves. */
  async #disturb(): Promise<readonly KillResult[]> {
    const lengthMs = this.#options.minutes * 60_000;
    const killTimes = Array.from({ length: this.#options.kills }, () => this.#random.next() * (lengthMs / 2)).sort((a, b) => a - b);
    const results: KillResult[] = [];
    let commitMs = COMMIT_EVERY_MS / 2;
    while (this.#elapsedMs() < lengthMs) {
      const killMs = killTimes[results.length] ?? Number.POSITIVE_INFINITY;
      await sleep(Math.max(0, Math.min(killMs, commitMs, lengthMs) - this.#elapsedMs()));
      if (this.#elapsedMs() >= lengthMs) break;
      if (killMs <= commitMs) {
        results.push(...(await this.#kill()));
      } else {
        await this.#commit();
        commitMs = this.#elapsedMs() + COMMIT_EVERY_MS;
      }
    }
    return results;
  }

  #elapsedMs(): number {
    return Date.now() - this.#startMs;
  }

  #kill(): Promise<readonly KillResult[]> {
    const target = this.#random.pick(KILLED);
    return new Killer(this.#round.cluster, this.#round.extras, this.#client).run([
      { target, point: undefined, nth: 0, delayMs: 0, evolution: undefined },
    ]);
  }

  /** S19: an extractor's code changes in place, and what is asked then runs the new one. */
  async #commit(): Promise<void> {
    const { extras, findings } = this.#round;
    const marker = this.commits + 1;
    extras.marker = marker;
    try {
      await until('the commit', COMMIT_DEADLINE_MS, async () => ((await extras.commit()) ? true : undefined));
      await until('the new extractor', COMMIT_DEADLINE_MS, async () => {
        const { body } = await this.#client.get('/features', { featureset: 'MarkerSignals', entity_id: 'payer_0' });
        return (body as { readonly features: { readonly marker: unknown } }).features.marker === marker ? true : undefined;
      });
      this.commits++;
    } catch (error) {
      report(findings, `commit ${marker}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #sampleUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
      await this.#sample();
    }
  }

  async #sample(): Promise<void> {
    const { cluster } = this.#round;
    this.machineLoad.push({ atMs: Date.now(), value: loadavg()[0] ?? 0 });
    const withHeap = this.#samples++ % HEAP_EVERY === 0;
    for (const name of cluster.processes) {
      const child = cluster.child(name);
      const isReady = (await Promise.race([child.ready, Promise.resolve('not yet')])) !== 'not yet' && child.isRunning();
      if (!isReady) continue;
      const heap = withHeap ? await sampleHeap(child) : undefined;
      const held = await sampleProcess(child.pid);
      if (heap !== undefined) {
        this.#add(`${name}: heap`, heap.heapBytes);
        this.#add(`${name}: buffers`, heap.bufferBytes);
      }
      if (held === undefined) continue;
      this.#add(`${name}: rss`, held.rssBytes);
      this.#add(`${name}: descriptors`, held.descriptors);
    }
    this.#addReads();
  }

  #addReads(): void {
    const { latenciesMs, lagsMs } = this.reads.take();
    if (latenciesMs.length === 0) return;
    this.#add('read p50', quantile(latenciesMs, 0.5));
    this.#add('read p99', quantile(latenciesMs, 0.99));
    if (lagsMs.length > 0) this.#add('lag p99', quantile(lagsMs, 0.99));
    const seconds = (this.#elapsedMs() / 1_000).toFixed(0);
    this.#options.tell(
      `${seconds.padStart(6)} s  ${[...this.series].map(([name, points]) => `${name} ${short(name, points.at(-1)?.value ?? 0)}`).join('  ')}`,
    );
  }

  #add(name: SeriesName, value: number): void {
    const points = this.series.get(name) ?? [];
    points.push({ atMs: Date.now(), value });
    this.series.set(name, points);
  }
}

function short(name: SeriesName, value: number): string {
  return /heap|buffers|rss/.test(name) ? `${(value / 2 ** 20).toFixed(0)}M` : value.toFixed(name.startsWith('read') ? 1 : 0);
}
