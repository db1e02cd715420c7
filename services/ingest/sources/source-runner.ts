import { ThymeError } from '../../../libs/errors/errors.js';
import { rulesOf } from '../../../libs/definition/connectors.js';
import { SourceError } from '../../../libs/source/source-error.js';
import { Backoff, type Random } from '../../../libs/time/backoff.js';
import type { Clock } from '../../../libs/time/clock.js';
import { RowRate } from './row-rate.js';
import { type LifeOptions, SourceLife } from './source-life.js';
import type { SourcePhase, SourceStatus } from './source-state.js';

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 60_000;
/** Longer than a member's session: who was fenced learns within it that the source is another's (held-partitions.ts). */
const FENCED_MS = 30_000;
/** Polls of many sources with one `every` spread over this share of it. */
const JITTER = 0.1;

export interface RunnerOptions extends Omit<LifeOptions, 'onCommit' | 'clock'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly onPhase: (phase: SourcePhase, cause?: unknown) => void;
}

/** How one life ended; what follows is decided in one place, `#after`. */
type LifeOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'retryable'; readonly cause: unknown; readonly commits: number }
  | { readonly kind: 'fenced'; readonly cause: unknown }
  | { readonly kind: 'needsPerson'; readonly cause: unknown };

/** Keeps one source going until it is stopped: lives one after another, polls at their time, pauses as people say. */
export class SourceRunner {
  readonly #options: RunnerOptions;
  readonly #backoff: Backoff;
  readonly #rate: RowRate;
  #phase: SourcePhase = { kind: 'starting' };
  #life: SourceLife | undefined;
  #position: string | undefined;
  #rows = 0;
  #refused = 0;
  #successUs: number | undefined;
  #isPaused: boolean;
  /** The first failure after the last success. */
  #failingSinceUs: number | undefined;
  /** Aborted when somebody pauses or resumes: what is under way looks again. */
  #changed = new AbortController();

  constructor(options: RunnerOptions, isPaused: boolean) {
    this.#options = options;
    this.#isPaused = isPaused;
    this.#backoff = new Backoff({ minMs: RETRY_MS_MIN, maxMs: RETRY_MS_MAX, random: options.random });
    this.#rate = new RowRate(options.clock.nowUs());
  }

  status(): SourceStatus {
    const { declared, clock } = this.#options;
    const books = this.#life?.books;
    return {
      dataset: declared.dataset.name,
      version: declared.dataset.version,
      connector: declared.source.connector,
      phase: this.#phase,
      ...(this.#position === undefined ? {} : { position: this.#position }),
      lag: this.#life?.reader.lag() ?? {},
      rows: books?.rows ?? this.#rows,
      refused: books?.refused ?? this.#refused,
      rowsPerS: this.#rate.perS(clock.nowUs()),
      ...(this.#successUs === undefined ? {} : { successUs: this.#successUs }),
    };
  }

  /** Resuming also tries again at once what was stopped or waits to be retried. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  /** Somebody has put it to another place, which the next life finds. */
  setPosition(words: string): void {
    this.#position = words;
    this.setPaused(this.#isPaused);
  }

  /** Resolves when the signal aborts and the life under way has let go of everything. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const changed = AbortSignal.any([signal, this.#changed.signal]);
      if (this.#isPaused) await this.#rest({ kind: 'paused', sinceUs: this.#options.clock.nowUs() }, changed);
      else await this.#after(await this.#live(changed), changed);
    }
  }

  async #live(signal: AbortSignal): Promise<LifeOutcome> {
    let commits = 0;
    this.#enter({ kind: 'starting' });
    try {
      const onCommit = ({ accepted }: { readonly accepted: number }): void => {
        commits++;
        this.#succeeded(accepted);
      };
      const life = (this.#life = await SourceLife.open({ ...this.#options, onCommit }, signal));
      this.#keepBooks(life);
      while (!signal.aborted) await this.#poll(life, signal);
      return { kind: 'stopped' };
    } catch (cause) {
      if (signal.aborted) return { kind: 'stopped' };
      if (cause instanceof ThymeError && cause.code === 'THYME_FENCED') return { kind: 'fenced', cause };
      return cause instanceof ThymeError && cause.disposition === 'stop'
        ? { kind: 'needsPerson', cause }
        : { kind: 'retryable', cause, commits };
    } finally {
      if (this.#life !== undefined) this.#keepBooks(this.#life);
      await this.#life?.close();
      this.#life = undefined;
    }
  }

  async #poll(life: SourceLife, signal: AbortSignal): Promise<void> {
    const { declared, clock, random } = this.#options;
    this.#enter({ kind: 'reading' });
    await life.drain(signal);
    if (signal.aborted) return;
    this.#succeeded(0);
    this.#backoff.reset();
    if (rulesOf(declared.source)?.mode === 'push') throw new SourceError('retry', 'THYME_SOURCE_ENDED', 'the stream ended');
    const everyMs = (declared.source.everyUs ?? 0) / 1_000;
    const waitMs = everyMs * (1 - JITTER * random());
    this.#enter({ kind: 'waiting', untilUs: clock.nowUs() + waitMs * 1_000 });
    await clock.sleep(waitMs, signal);
  }

  async #after(outcome: LifeOutcome, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    switch (outcome.kind) {
      case 'stopped':
        return;
      case 'needsPerson':
        return this.#rest({ kind: 'stopped', cause: this.#wordsOf(outcome.cause), sinceUs: clock.nowUs() }, signal, outcome.cause);
      case 'fenced':
        // Drawn, so that two that both believe to own it do not fence each other in step.
        return this.#retry(outcome.cause, FENCED_MS * (1 + this.#options.random()), signal);
      case 'retryable':
        if (outcome.commits > 0) this.#backoff.reset();
        return this.#retry(outcome.cause, this.#backoff.next(), signal);
    }
  }

  async #retry(cause: unknown, delayMs: number, signal: AbortSignal): Promise<void> {
    const nowUs = this.#options.clock.nowUs();
    this.#enter(
      { kind: 'retrying', cause: this.#wordsOf(cause), sinceUs: (this.#failingSinceUs ??= nowUs), untilUs: nowUs + delayMs * 1_000 },
      cause,
    );
    await this.#options.clock.sleep(delayMs, signal);
  }

  /** Until somebody resumes it, or its definition changes. */
  async #rest(phase: SourcePhase, signal: AbortSignal, cause?: unknown): Promise<void> {
    this.#enter(phase, cause);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #succeeded(rows: number): void {
    const nowUs = this.#options.clock.nowUs();
    this.#rate.add(rows, nowUs);
    this.#successUs = nowUs;
    this.#failingSinceUs = undefined;
    if (this.#life !== undefined) this.#keepBooks(this.#life);
  }

  #keepBooks({ books, reader }: SourceLife): void {
    if (books === undefined) return;
    this.#position = books.position === undefined ? undefined : reader.describe(books.position);
    this.#rows = books.rows;
    this.#refused = books.refused;
  }

  /** A failure as people may see it: our own words, and what connectors say in those of their systems. */
  #wordsOf(cause: unknown): string {
    return cause instanceof ThymeError
      ? this.#options.settings.redact(cause.message)
      : 'it failed in a way that nobody foresaw: see the log of the ingest process';
  }

  #enter(phase: SourcePhase, cause?: unknown): void {
    this.#phase = phase;
    this.#options.onPhase(phase, cause);
  }
}
