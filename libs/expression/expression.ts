import type { Value } from '../schema/value-type.js';

// Filters, assigns and `where`s as a typed syntax tree (DESIGN 8): portable, checked at commit,
// one to one with the protobuf `Expression`.

export type ArithmeticOperator = 'add' | 'sub' | 'mul' | 'div';
export type ComparisonOperator = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte';

export type Expression =
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'arithmetic'; readonly operator: ArithmeticOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'comparison'; readonly operator: ComparisonOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'isNull'; readonly operand: Expression }
  | { readonly kind: 'fillNull'; readonly operand: Expression; readonly fallback: Expression }
  /** The member at `path` of a JSON text, read as `as`; null where it is absent, of another type, or not JSON. */
  | {
      readonly kind: 'jsonExtract';
      readonly operand: Expression;
      readonly path: readonly string[];
      readonly as: 'string' | 'int' | 'float' | 'bool';
    };

/** A constant, with its type, since 1 and 1.0 are one number in JavaScript. */
export type Literal =
  | { readonly type: 'string' | 'decimal'; readonly value: string }
  | { readonly type: 'int' | 'float' | 'timestamp' | 'date'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean };

/** A compiled expression: takes a record's values in schema order. Null for unknown (S6): three-valued logic. */
export type Evaluate = (row: readonly Value[]) => Value;
