import assert from 'node:assert';
import { ByteWriter } from '../codec/byte-writer.js';
import { compileRowCodec } from '../codec/row-codec.js';
import type { Measure } from '../definition/revision.js';
import { compilePredicate } from '../expression/compile.js';
import type { Field, Row } from '../schema/value-type.js';
import { type ColumnValue, compileToColumn } from './column-values.js';

/** A record's columns in the timeline: what a `where` rules out is null (S6). May throw, as expressions do (S23). */
export type MeasureValues = (row: Row) => readonly ColumnValue[];

/** `fields` is the schema that the aggregation reads. */
export function compileMeasures(measures: readonly Measure[], fields: readonly Field[], place: string): MeasureValues {
  const columns = measures.map((measure) => compileMeasure(measure, fields, place));
  return (row) => {
    const values: ColumnValue[] = new Array<ColumnValue>(columns.length);
    for (let i = 0; i < columns.length; i++) values[i] = columns[i]?.(row) ?? null;
    return values;
  };
}

/** The one column of an index: the record's row as bytes. */
export function compileIndexValues(fields: readonly Field[]): MeasureValues {
  const codec = compileRowCodec(fields);
  const writer = new ByteWriter();
  return (row) => {
    writer.clear();
    codec.encode(row, writer);
    return [writer.copy()];
  };
}

function compileMeasure({ of, where }: Measure, fields: readonly Field[], place: string): (row: Row) => ColumnValue {
  const value = compileValue(of, fields, place);
  if (where === undefined) return value;
  const holds = compilePredicate(where, fields, place);
  return (row) => (holds(row) ? value(row) : null);
}

function compileValue(of: string | undefined, fields: readonly Field[], place: string): (row: Row) => ColumnValue {
  if (of === undefined) return () => 1;
  const index = fields.findIndex((field) => field.name === of);
  const field = fields[index];
  assert(field !== undefined, `${place} reads '${of}', which is no column`); // refused at commit
  const toColumn = compileToColumn(field.type);
  return (row) => toColumn(row[index] ?? null);
}
