import type { Clock } from '../time/clock.js';
import type { Terminal } from './command.js';

const REDRAW_US = 200_000;
const CELLS = 24;

/** One line of progress: how many of how many, how fast, and how long still. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #clock: Pick<Clock, 'nowUs'>;
  readonly #words: string;
  readonly #total: number;
  readonly #first: number;
  readonly #startUs: number;
  #drawnUs = Number.NEGATIVE_INFINITY;

  /** `first`: how many were done before this began, which say nothing of its rate. */
  constructor(terminal: Terminal, clock: Pick<Clock, 'nowUs'>, { words, total, first = 0 }: ProgressOptions) {
    [this.#terminal, this.#clock, this.#words, this.#total, this.#first] = [terminal, clock, words, total, first];
    this.#startUs = clock.nowUs();
  }

  at(done: number): void {
    const nowUs = this.#clock.nowUs();
    if (nowUs - this.#drawnUs < REDRAW_US && done < this.#total) return;
    this.#drawnUs = nowUs;
    this.#terminal.progress(progressText(this.#words, { done, total: this.#total, ratePerS: this.#rate(done, nowUs) }));
  }

  /** The line is left empty for what comes next. */
  clear(): void {
    this.#terminal.progress('');
  }

  #rate(done: number, nowUs: number): number {
    return nowUs === this.#startUs ? 0 : ((done - this.#first) * 1e6) / (nowUs - this.#startUs);
  }
}

export interface ProgressOptions {
  readonly words: string;
  readonly total: number;
  readonly first?: number;
}

export function progressText(
  words: string,
  { done, total, ratePerS }: { readonly done: number; readonly total: number; readonly ratePerS: number },
): string {
  const filled = total === 0 ? CELLS : Math.min(CELLS, Math.floor((done / total) * CELLS));
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(CELLS - filled)}]`;
  const rate = ratePerS > 0 ? `, ${Math.round(ratePerS).toLocaleString('en')}/s, ${leftText((total - done) / ratePerS)} left` : '';
  return `${words} ${bar} ${done.toLocaleString('en')} of ${total.toLocaleString('en')}${rate}`;
}

function leftText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
