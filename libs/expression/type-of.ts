import { invalidArgument, nearestName } from '../errors/errors.js';
import { canonicalDecimal } from '../schema/decimal.js';
import { describeType, type Field, type ScalarKind, type ValueType } from '../schema/value-type.js';
import type { Expression, Literal } from './expression.js';

/** Nodes within one another. Expressions come over the network, and compiling recurses. */
export const EXPRESSION_DEPTH_MAX = 256;

/** The type of each node of an expression, itself included. */
export type TypeOf = ReadonlyMap<Expression, ValueType>;

/**
 * The type of an expression over rows with these fields. Throws INVALID_ARGUMENT naming `place`,
 * the column or part that does not fit, and the fix.
 *
 * | node | operands | type |
 * |---|---|---|
 * | add, sub, mul | two of int, float | int of two ints, else float |
 * | div | two of int, float | float, always optional: x / 0 is null |
 * | eq, ne, lt … | int and float mixed; else two of one kind (an enum is a string); no bytes, list, struct | bool |
 * | and, or, not | bool | bool |
 * | isNull | anything | bool, never null |
 * | fillNull | two of one kind, or int and float mixed | that kind; optional only if the fallback is |
 * | jsonExtract | string | as asked, always optional |
 *
 * The rest are optional where an operand is (S6).
 */
export function typeOfExpression(expression: Expression, fields: readonly Field[], place: string): ValueType {
  return new Typing(fields, place).typeOf(expression, 1);
}

/** The same for every node, which compiling needs. */
export function typesWithin(expression: Expression, fields: readonly Field[], place: string): TypeOf {
  const typing = new Typing(fields, place);
  typing.typeOf(expression, 1);
  return typing.types;
}

class Typing {
  readonly types = new Map<Expression, ValueType>();
  readonly #columns: ReadonlyMap<string, ValueType>;

  constructor(
    fields: readonly Field[],
    readonly place: string,
  ) {
    this.#columns = new Map(fields.map((field) => [field.name, field.type]));
  }

  typeOf(node: Expression, depth: number): ValueType {
    if (depth > EXPRESSION_DEPTH_MAX)
      throw invalidArgument(this.place, `the expression nests deeper than ${EXPRESSION_DEPTH_MAX}: split it over assigns`);
    const type = this.#infer(node, depth + 1);
    this.types.set(node, type);
    return type;
  }

  #infer(node: Expression, depth: number): ValueType {
    switch (node.kind) {
      case 'column':
        return this.#column(node.name);
      case 'literal':
        return this.#literal(node.value);
      case 'arithmetic': {
        const [left, right] = [this.#operand(node.left, depth, NUMBERS), this.#operand(node.right, depth, NUMBERS)];
        const kind = node.operator !== 'div' && left.kind === 'int' && right.kind === 'int' ? 'int' : 'float';
        return { kind, optional: node.operator === 'div' || left.optional || right.optional };
      }
      case 'comparison':
        return this.#comparison(node, depth);
      case 'and':
      case 'or': {
        const [left, right] = [this.#operand(node.left, depth, BOOL), this.#operand(node.right, depth, BOOL)];
        return { kind: 'bool', optional: left.optional || right.optional };
      }
      case 'not':
        return this.#operand(node.operand, depth, BOOL);
      case 'isNull':
        this.typeOf(node.operand, depth);
        return { kind: 'bool', optional: false };
      case 'fillNull':
        return this.#fillNull(node, depth);
      case 'jsonExtract':
        this.#operand(node.operand, depth, STRING);
        return { kind: node.as, optional: true };
    }
  }

  #column(name: string): ValueType {
    const type = this.#columns.get(name);
    if (type !== undefined) return type;
    const nearest = nearestName(name, this.#columns.keys());
    const fix = nearest === undefined ? `use one of ${[...this.#columns.keys()].join(', ')}` : `did you mean '${nearest}'?`;
    throw invalidArgument(this.place, `there is no column '${name.slice(0, 64)}': ${fix}`);
  }

  #literal(literal: Literal): ValueType {
    if (!isWellFormed(literal))
      throw invalidArgument(
        this.place,
        `${String(literal.value).slice(0, 64)} is no ${literal.type} constant: ${LITERAL_FIX[literal.type]}`,
      );
    return { kind: literal.type, optional: false };
  }

  #operand(node: Expression, depth: number, allowed: Allowed): ValueType {
    const type = this.typeOf(node, depth);
    if (allowed.kinds.includes(type.kind)) return type;
    throw invalidArgument(this.place, `${nameOf(node)} is ${describeType(type)}, which is not ${allowed.words}`);
  }

  #comparison(node: Extract<Expression, { kind: 'comparison' }>, depth: number): ValueType {
    const [left, right] = [this.#operand(node.left, depth, COMPARABLE), this.#operand(node.right, depth, COMPARABLE)];
    this.#checkAlike(node.left, left, node.right, right, 'compared');
    if (left.kind === 'bool' && node.operator !== 'eq' && node.operator !== 'ne') {
      throw invalidArgument(this.place, `${nameOf(node.left)} is a bool, which has no order: compare it with eq or ne`);
    }
    return { kind: 'bool', optional: left.optional || right.optional };
  }

  #fillNull(node: Extract<Expression, { kind: 'fillNull' }>, depth: number): ValueType {
    const [operand, fallback] = [this.typeOf(node.operand, depth), this.typeOf(node.fallback, depth)];
    this.#checkAlike(node.operand, operand, node.fallback, fallback, 'filled');
    const optional = operand.optional && fallback.optional;
    // A fallback that is known to be a member leaves an enum an enum; checkAlike has refused the others.
    if (operand.kind === 'enum' && node.fallback.kind === 'literal') return { ...operand, optional };
    if (operand.kind === fallback.kind && operand.kind !== 'enum') return { ...operand, optional };
    return { kind: familyOf(operand) === 'number' ? 'float' : 'string', optional };
  }

  #checkAlike(leftNode: Expression, left: ValueType, rightNode: Expression, right: ValueType, what: 'compared' | 'filled'): void {
    if (familyOf(left) !== familyOf(right)) {
      throw invalidArgument(
        this.place,
        `${nameOf(leftNode)} is ${describeType(left)} and cannot be ${what} with ${nameOf(rightNode)}, which is ${describeType(right)}`,
      );
    }
    this.#checkMember(leftNode, left, rightNode);
    this.#checkMember(rightNode, right, leftNode);
  }

  /** A constant that the enum does not have would never be equal: a slip of the pen. */
  #checkMember(node: Expression, type: ValueType, other: Expression): void {
    if (
      type.kind !== 'enum' ||
      other.kind !== 'literal' ||
      typeof other.value.value !== 'string' ||
      type.values.includes(other.value.value)
    )
      return;
    throw invalidArgument(this.place, `${nameOf(node)} is ${describeType(type)}, which has no '${other.value.value.slice(0, 64)}'`);
  }
}

interface Allowed {
  readonly kinds: readonly ValueType['kind'][];
  readonly words: string;
}

const NUMBERS: Allowed = { kinds: ['int', 'float'], words: 'a number: arithmetic takes t.int and t.float' };
const BOOL: Allowed = { kinds: ['bool'], words: 'a condition: compare it with something' };
const STRING: Allowed = { kinds: ['string'], words: 'JSON text: extract takes t.string' };
const COMPARABLE: Allowed = {
  kinds: ['string', 'enum', 'int', 'float', 'bool', 'timestamp', 'date', 'decimal'],
  words: 'comparable: only isNull can be asked of it',
};

const LITERAL_FIX: Readonly<Record<Literal['type'], string>> = {
  string: 'give text',
  decimal: "give text such as '12.50'",
  int: 'give a whole number within ±(2^53 - 1)',
  float: 'give a finite number',
  timestamp: 'give whole microseconds',
  date: 'give whole days since 1970-01-01',
  bool: 'give true or false',
};

/** Literals come over the network: their types promise nothing. */
function isWellFormed(literal: Literal): boolean {
  switch (literal.type) {
    case 'string':
      return typeof literal.value === 'string';
    case 'decimal':
      return canonicalDecimal(String(literal.value)) !== undefined;
    case 'float':
      return Number.isFinite(literal.value);
    case 'bool':
      return typeof literal.value === 'boolean';
    default:
      return Number.isSafeInteger(literal.value);
  }
}

/** Kinds whose values compare with one another. */
export function familyOf(type: ValueType): string {
  const families: Partial<Record<ValueType['kind'], ScalarKind | 'number'>> = { int: 'number', float: 'number', enum: 'string' };
  return families[type.kind] ?? (type.kind === 'list' || type.kind === 'struct' ? describeType({ ...type, optional: false }) : type.kind);
}

function nameOf(node: Expression): string {
  switch (node.kind) {
    case 'column':
      return `column '${node.name.slice(0, 64)}'`;
    case 'literal':
      return `the constant ${String(node.value.value).slice(0, 64)}`;
    case 'arithmetic':
    case 'comparison':
      return `the result of ${node.operator}`;
    default:
      return `the result of ${node.kind}`;
  }
}
