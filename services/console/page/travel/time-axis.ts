// One axis for all lanes: µs since the epoch on the left, pixels on the right.

export interface TimeSpan {
  readonly fromUs: number;
  readonly toUs: number;
}

export interface Tick {
  readonly us: number;
  readonly label: string;
  /** The first of its day: its label is a date. */
  readonly isDay: boolean;
}

const SECOND = 1e6;
const [MINUTE, HOUR, DAY] = [60 * SECOND, 3_600 * SECOND, 86_400 * SECOND];
const STEPS_US = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364, 728, 1_820, 3_640].map((n) => n * DAY),
];
/** Below that a span cannot be looked at closer: samples would be less than 10 µs apart. */
export const SPAN_US_MIN = 2_000;
export const SPAN_US_MAX = 20 * 365 * DAY;

export function xOf(us: number, { fromUs, toUs }: TimeSpan, width: number): number {
  return ((us - fromUs) / (toUs - fromUs)) * width;
}

/** The instant under a pixel: whole microseconds, within the span. */
export function usAt(x: number, { fromUs, toUs }: TimeSpan, width: number): number {
  return clamp(Math.round(fromUs + (x / Math.max(1, width)) * (toUs - fromUs)), fromUs, toUs);
}

/** `count` instants from one end to the other, both ends included. */
export function sampleInstants({ fromUs, toUs }: TimeSpan, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => Math.round(fromUs + ((toUs - fromUs) * i) / (count - 1)));
}

export function ticksOf(span: TimeSpan, width: number): readonly Tick[] {
  const wanted = Math.max(2, Math.floor(width / 90));
  const stepUs = STEPS_US.find((step) => (span.toUs - span.fromUs) / step <= wanted) ?? DAY * 3_640;
  const ticks: Tick[] = [];
  for (let us = Math.ceil(span.fromUs / stepUs) * stepUs; us <= span.toUs; us += stepUs) {
    const isDay = us % DAY === 0;
    ticks.push({ us, label: tickLabel(us, stepUs, isDay), isDay });
  }
  return ticks;
}

function tickLabel(us: number, stepUs: number, isDay: boolean): string {
  const date = new Date(Math.floor(us / 1_000));
  if (isDay)
    return date.toLocaleDateString('en', {
      month: 'short',
      day: 'numeric',
      timeZone: 'UTC',
      ...(stepUs > 60 * DAY ? { year: 'numeric' } : {}),
    });
  const time = date.toISOString();
  if (stepUs >= MINUTE) return time.slice(11, 16);
  if (stepUs >= SECOND) return time.slice(11, 19);
  return `${time.slice(17, 19)}.${String(us % SECOND).padStart(6, '0')}`;
}

/** The span with `centreUs` where it was, and `factor` times as long. */
export function zoomed({ fromUs, toUs }: TimeSpan, centreUs: number, factor: number): TimeSpan {
  const length = clamp((toUs - fromUs) * factor, SPAN_US_MIN, SPAN_US_MAX);
  const share = (centreUs - fromUs) / (toUs - fromUs);
  const from = Math.round(centreUs - share * length);
  return { fromUs: from, toUs: Math.round(from + length) };
}

export function clamp(value: number, least: number, greatest: number): number {
  return Math.min(greatest, Math.max(least, value));
}
