import type { Duration } from '../../libs/definition/names.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { ManualClock } from '../../libs/time/clock.js';
import { parseDurationUs } from '../../libs/time/duration.js';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';
import type { TestClock } from './test-results.js';

export class MovedClock implements TestClock {
  /** For the parts of the platform: they read it, and none of them sleeps on it. */
  readonly manual: ManualClock;

  constructor(start: Date | string) {
    this.manual = new ManualClock(instantUs(start, 'now'));
  }

  now(): Date {
    return new Date(Math.floor(this.manual.nowUs() / 1_000));
  }

  advance(by: Duration): void {
    this.manual.advanceUs(parseDurationUs(by));
  }

  set(to: Date | string): void {
    const byUs = instantUs(to, 'clock') - this.manual.nowUs();
    if (byUs < 0)
      throw invalidArgument(
        'clock',
        `${String(to)} is before ${formatTimestamp(this.manual.nowUs())}, and the clock never goes back: ask with 'timestamp' about an earlier instant`,
      );
    this.manual.advanceUs(byUs);
  }
}

/** As S1 reads it; INVALID_ARGUMENT names the place. */
export function instantUs(instant: Date | string, place: string): number {
  try {
    return parseTimestamp(instant);
  } catch (cause) {
    throw invalidArgument(place, cause instanceof Error ? cause.message : String(cause));
  }
}
