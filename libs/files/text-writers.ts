import { encodeExactJson } from '../codec/exact-json.js';
import { cellText } from './cell-values.js';
import type { ColumnKind, TableEncoder, TableOptions } from './table.js';

/** CSV (RFC 4180), lines ended by LF. A null is an empty field, and empty text a quoted one. */
export function csvEncoder({ columns }: TableOptions): TableEncoder {
  return {
    start: () => `${columns.map(({ name }) => csvField(name)).join(',')}\n`,
    batch: (rows) => rows.map((row) => `${columns.map(({ kind }, i) => csvCell(kind, row[i])).join(',')}\n`).join(''),
    end: () => '',
  };
}

/** A JSON object a line. */
export function ndjsonEncoder({ columns }: TableOptions): TableEncoder {
  const labels = columns.map(({ name }, i) => `${i === 0 ? '' : ','}${JSON.stringify(name)}:`);
  return {
    start: () => '',
    batch: (rows) =>
      rows.map((row) => `{${columns.map(({ kind }, i) => `${labels[i] ?? ''}${jsonCell(kind, row[i])}`).join('')}}\n`).join(''),
    end: () => '',
  };
}

function csvCell(kind: ColumnKind, cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'number' && kind === 'float' ? jsonCell(kind, cell) : csvField(cellText(cell));
}

function csvField(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Floats with a point: who infers types of a column that happens to hold whole numbers finds floats. */
function jsonCell(kind: ColumnKind, cell: unknown): string {
  if (kind !== 'float' || typeof cell !== 'number') return encodeExactJson(cell ?? null);
  return Number.isInteger(cell) && Math.abs(cell) < 1e21 ? `${cell}.0` : encodeExactJson(cell);
}
