import { Decimal } from '../definition/decimal.js';
import type { Field, ValueType } from '../schema/value-type.js';

// Values of no meaning, as authors' functions see them: for running a function once to see what it does.

/** `empty`: null wherever that may be, and no element in a list. */
export type SampleKind = 'empty' | 'filled';

export function sampleRow(fields: readonly Field[], kind: SampleKind): Record<string, unknown> {
  return Object.fromEntries(fields.map(({ name, type }) => [name, sampleValue(type, kind)]));
}

export function sampleValue(type: ValueType, kind: SampleKind): unknown {
  if (type.optional && kind === 'empty') return null;
  switch (type.kind) {
    case 'string':
      return '';
    case 'enum':
      return type.values[0];
    case 'int':
    case 'float':
      return 0;
    case 'bool':
      return false;
    case 'bytes':
      return new Uint8Array();
    case 'timestamp':
      return new Date(0);
    case 'date':
      return '1970-01-01';
    case 'decimal':
      return new Decimal('0');
    case 'list':
      return kind === 'empty' ? [] : [sampleValue(type.of, kind)];
    case 'struct':
      return sampleRow(type.fields, kind);
  }
}
