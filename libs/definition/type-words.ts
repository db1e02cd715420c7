import type { Field, ScalarKind, ValueType } from '../schema/value-type.js';
import { describeType } from '../schema/value-type.js';
import type { Decimal } from './decimal.js';

// `t.string`, `t.list(t.float).optional`: the types of fields and features.

declare const held: unique symbol;

/** T is what TypeScript holds, K the spelling after `t.`. */
export interface Type<in out T, out K extends string> {
  readonly [held]: (value: T) => T;
  readonly name: K;
  readonly optional: Type<T | null, `${K}.optional`>;
}

// `any`: Type is invariant, so nothing else is above all of them.
/** Any word of `t`. */
export type AnyType = Type<any, string>;
export type Fields = Readonly<Record<string, AnyType>>;
export type Held<X> = X extends Type<infer T, string> ? T : never;
export type Struct<F extends Fields> = { [K in keyof F]: Held<F[K]> };

// By a registered symbol: a bundle that brought its own copy of this module is understood too.
const VALUE_TYPE: unique symbol = Symbol.for('thyme.valueType') as never;

class RecordedType {
  readonly [VALUE_TYPE]: ValueType;

  constructor(type: ValueType) {
    this[VALUE_TYPE] = type;
  }

  get name(): string {
    const { kind, optional } = this[VALUE_TYPE];
    return optional ? `${kind}.optional` : kind;
  }

  get optional(): RecordedType {
    return new RecordedType({ ...this[VALUE_TYPE], optional: true });
  }

  toString(): string {
    return describeType(this[VALUE_TYPE]);
  }
}

/** The plain data beneath a type of the face. */
export function valueTypeOf(type: unknown): ValueType {
  const found = (type as { readonly [VALUE_TYPE]?: ValueType } | null | undefined)?.[VALUE_TYPE];
  if (found === undefined) throw new TypeError('this is no type: write one of t, such as t.string or t.list(t.float)');
  return found;
}

const BYTES = scalar<Uint8Array, 'bytes'>('bytes');

/** The types of fields and features. `.optional` of each may be null. */
export const t = {
  string: scalar<string, 'string'>('string'),
  bool: scalar<boolean, 'bool'>('bool'),
  /** A safe integer; `number` to TypeScript, as t.float is. */
  int: scalar<number, 'int'>('int'),
  float: scalar<number, 'float'>('float'),
  decimal: scalar<Decimal, 'decimal'>('decimal'),
  // A getter, whose type is declared as it stands here: the compiler's own spelling has an argument, which TypeScript 5.6 and
  // older do not know.
  get bytes(): Type<Uint8Array, 'bytes'> {
    return BYTES;
  },
  timestamp: scalar<Date, 'timestamp'>('timestamp'),
  /** An ISO date, 'YYYY-MM-DD'. */
  date: scalar<string, 'date'>('date'),
  enum<const V extends string>(...values: V[]): Type<V, 'enum'> {
    return word({ kind: 'enum', values, optional: false });
  },
  list<T>(of: Type<T, string>): Type<T[], 'list'> {
    return word({ kind: 'list', of: valueTypeOf(of), optional: false });
  },
  struct<const F extends Fields>(fields: F): Type<Struct<F>, 'struct'> {
    return word({ kind: 'struct', fields: fieldsOf(fields), optional: false });
  },
} as const;

/** The plain data of `{ name: t.string, ... }`. */
export function fieldsOf(fields: Fields): readonly Field[] {
  return Object.entries(fields).map(([name, type]) => ({ name, type: valueTypeOf(type) }));
}

function scalar<T, K extends ScalarKind>(kind: K): Type<T, K> {
  return word({ kind, optional: false });
}

/** Through `unknown`: T exists for the compiler only. */
function word<T, K extends string>(type: ValueType): Type<T, K> {
  return new RecordedType(type) as unknown as Type<T, K>;
}
