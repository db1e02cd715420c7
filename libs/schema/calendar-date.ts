const ISO_DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DAY_MS = 86_400_000;

/** Days from 1970-01-01 to a date written `YYYY-MM-DD`; undefined where that is no day of the calendar. */
export function parseDate(text: string): number | undefined {
  const match = ISO_DATE.exec(text);
  if (match === null) return undefined;
  const midnight = new Date(0);
  // Not Date.UTC, which takes the years 0–99 for 1900–1999.
  midnight.setUTCFullYear(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  const rolledOver = midnight.getUTCMonth() !== Number(match[2]) - 1; // 30 February becomes 2 March
  return rolledOver ? undefined : midnight.getTime() / DAY_MS;
}

/** `YYYY-MM-DD` of days since 1970-01-01, for the years 0000–9999, which are all that `parseDate` gives. */
export function formatDate(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}
