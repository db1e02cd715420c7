import type { Value } from '../../libs/schema/value-type.js';
import { formatDate } from '../../libs/schema/calendar-date.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { type ValueCase, VALUE_COLUMNS, VALUE_TABLE, type ValueSystemName } from './value-table.js';

/** A column of the page each; files and objects are read by one reader. */
const PAGE_SYSTEMS: readonly (readonly [title: string, system: ValueSystemName])[] = [
  ['Postgres', 'postgres'],
  ['files, S3', 'files'],
  ['Kafka', 'kafka'],
  ['Kinesis', 'kinesis'],
  ['Iceberg', 'iceberg'],
  ['BigQuery', 'bigquery'],
  ['Snowflake', 'snowflake'],
];

/** The table of values as `docs/sources.md` has it, with what each system has no word for below. */
export function valuePage(): string {
  const notes: string[] = [];
  const titles = PAGE_SYSTEMS.map(([title]) => title);
  const lines = [`| field | written | becomes | ${titles.join(' | ')} |`, `|${'---|'.repeat(3 + titles.length)}`];
  for (const one of VALUE_TABLE)
    lines.push(`| ${[typeWords(one), writtenWords(one), heldWords(one), ...results(one, notes)].join(' | ')} |`);
  return `${lines.join('\n')}\n\n${notes.map((note, i) => `${i + 1}. ${note}`).join('\n')}\n`;
}

function results(one: ValueCase, notes: string[]): readonly string[] {
  return PAGE_SYSTEMS.map(([, system]) => {
    const why = one.without?.[system];
    if (why === undefined) return one.held instanceof RegExp ? 'refused' : 'held';
    const note = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
    if (!notes.includes(note)) notes.push(note);
    return `${why.endsWith('contract-tested') ? 'held' : '—'} (${notes.indexOf(note) + 1})`;
  });
}

function typeWords({ column }: ValueCase): string {
  return `\`t.${VALUE_COLUMNS[column].kind}\``;
}

function writtenWords({ text, shown }: ValueCase): string {
  if (text === null) return 'null';
  if (shown !== undefined) return shown;
  return text === '' ? 'nothing' : `\`${text}\``;
}

function heldWords(one: ValueCase): string {
  const { held, text, shown, column } = one;
  if (held instanceof RegExp) return 'a dead letter';
  if (held === null || shown !== undefined || text === '') return 'the same';
  const words = valueWords(held, column);
  return words === text ? 'the same' : `\`${words}\``;
}

function valueWords(held: Value, column: ValueCase['column']): string {
  if (column === 'timestamp') return formatTimestamp(Number(held));
  if (column === 'date') return formatDate(Number(held));
  if (held instanceof Uint8Array) return Buffer.from(held).toString('hex');
  if (column === 'struct' && Array.isArray(held)) {
    const [a, b, c] = held as readonly (string | number | null)[]; // of its fields
    return `{"a":${JSON.stringify(a)},"b":${JSON.stringify(b)},"c":${c ?? 'null'}}`;
  }
  return Array.isArray(held) ? JSON.stringify(held) : String(held); // what is left
}
