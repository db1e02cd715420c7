const UNIT_US: Readonly<Record<string, number>> = { s: 1e6, m: 60e6, h: 3_600e6, d: 86_400e6, w: 604_800e6 };

/** The length in microseconds of a duration such as `1h` or `30d` (S2): a positive integer and s, m, h, d or w. */
export function parseDurationUs(text: string): number {
  const match = /^(\d+)([smhdw])$/.exec(text);
  const unitUs = UNIT_US[match?.[2] ?? ''];
  const lengthUs = match === null || unitUs === undefined ? 0 : Number(match[1]) * unitUs;
  if (lengthUs <= 0 || !Number.isSafeInteger(lengthUs)) {
    throw new RangeError(`'${text}' is no duration: write a positive integer and one of s, m, h, d, w, such as '1h'`);
  }
  return lengthUs;
}
