import type { RefusedRows } from './refused-rows.js';

export interface PushFileOptions {
  readonly dataset: string;
  readonly input: string;
  /** An ending such as `csv.gz`, in place of the file's own. */
  readonly format?: string | undefined;
  /** Rows taken from the file, from its start or `fromLine`. */
  readonly limit: number;
  /** By column: the field that it is for. */
  readonly renames: ReadonlyMap<string, string>;
  readonly shiftToNowUs?: number;
  readonly historical: boolean;
  /** In place of the hash of the file's content. */
  readonly producerId?: string | undefined;
  /** The first line, or row, that is pushed; those before it keep their sequences. */
  readonly fromLine?: number | undefined;
  /** Stops at the first refused row. */
  readonly strict?: boolean;
  /** Where refused rows go, in place of `FILE.rejected.ndjson`. */
  readonly rejected?: string | undefined;
}

/** What to type to push the rest. */
export function commandLine({ dataset, input, format, renames, historical, producerId, fromLine, strict }: PushFileOptions): string {
  const words = ['thyme', 'log', dataset, '-i', input];
  if (format !== undefined) words.push('--format', format);
  for (const [column, field] of renames) words.push('--rename', `${column}=${field}`);
  if (historical) words.push('--historical');
  if (strict === true) words.push('--strict');
  if (producerId !== undefined) words.push('--producer-id', producerId);
  if (fromLine !== undefined) words.push('--from-line', String(fromLine));
  return words.map((word) => (/^[\w.,:/=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

/** After a push that refused rows. */
export function howToMend(refused: Pick<RefusedRows, 'count' | 'path'>, options: PushFileOptions, producerId: string | undefined): string {
  const { dataset, input, historical } = options;
  const again = commandLine({ dataset, input: refused.path, historical, renames: new Map(), limit: Number.POSITIVE_INFINITY });
  const whole = producerId === undefined ? '' : `, or mend ${input} and push it again with --producer-id ${producerId}`;
  return `${refused.count} refused, written with the reasons to ${refused.path}: mend the rows there and push that file${whole}; no row counts twice\n  ${again}`;
}
