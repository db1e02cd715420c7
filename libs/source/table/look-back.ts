import type { SourceSettings } from '../source-settings.js';

/** Where rows are streamed or loaded in small pieces, they are there within minutes of the time that they carry. */
const LOOK_BACK_S_DEFAULT = 600;
const LOOK_BACK_S_MAX = 7 * 86_400;

/** How late a row may come by the source's clock and still be read, in seconds: `maxLateness`, where it is said. */
export function lookBackOf({ source: { maxLatenessUs } }: SourceSettings): number {
  return Math.min(LOOK_BACK_S_MAX, maxLatenessUs === undefined ? LOOK_BACK_S_DEFAULT : maxLatenessUs / 1e6);
}
