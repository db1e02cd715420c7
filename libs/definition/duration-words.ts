import { parseDurationUs } from '../time/duration.js';

/** The duration in µs, or NaN where the text is none: the check then names the place (S2). */
export function durationUs(text: string): number {
  try {
    return parseDurationUs(text);
  } catch {
    return Number.NaN;
  }
}
