import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Expression_Binary_Operator as Operator,
  type Expression as ExpressionMessage,
  type ExpressionSchema,
} from '../../gen/thyme/v1/definitions_pb.js';
import type { Value as ValueMessage, ValueSchema } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../errors/errors.js';
import type { ArithmeticOperator, ComparisonOperator, Expression, Literal } from '../expression/expression.js';
import { safeNumber } from './integers.js';
import { kindToProto, scalarFromProto } from './value-types.js';

type Init = MessageInitShape<typeof ExpressionSchema>;
type BinaryName = ArithmeticOperator | ComparisonOperator | 'and' | 'or';

const OPERATORS: Readonly<Record<BinaryName, Operator>> = {
  add: Operator.ADD,
  sub: Operator.SUB,
  mul: Operator.MUL,
  div: Operator.DIV,
  eq: Operator.EQ,
  ne: Operator.NE,
  lt: Operator.LT,
  lte: Operator.LTE,
  gt: Operator.GT,
  gte: Operator.GTE,
  and: Operator.AND,
  or: Operator.OR,
};
const ARITHMETIC = byOperator<ArithmeticOperator>(['add', 'sub', 'mul', 'div']);
const COMPARISON = byOperator<ComparisonOperator>(['eq', 'ne', 'lt', 'lte', 'gt', 'gte']);
const LOGIC = byOperator<'and' | 'or'>(['and', 'or']);

export function expressionToProto(expression: Expression): Init {
  switch (expression.kind) {
    case 'column':
      return { kind: { case: 'column', value: expression.name } };
    case 'literal':
      return { kind: { case: 'literal', value: literalToProto(expression.value) } };
    case 'arithmetic':
    case 'comparison':
      return binary(expression.operator, expression.left, expression.right);
    case 'and':
    case 'or':
      return binary(expression.kind, expression.left, expression.right);
    case 'not':
      return { kind: { case: 'not', value: expressionToProto(expression.operand) } };
    case 'isNull':
      return { kind: { case: 'isNull', value: expressionToProto(expression.operand) } };
    case 'fillNull':
      return {
        kind: {
          case: 'fillNull',
          value: { operand: expressionToProto(expression.operand), fallback: expressionToProto(expression.fallback) },
        },
      };
    case 'jsonExtract':
      return {
        kind: {
          case: 'jsonExtract',
          value: { operand: expressionToProto(expression.operand), path: [...expression.path], as: kindToProto(expression.as) },
        },
      };
  }
}

export function expressionFromProto(message: ExpressionMessage | undefined, place: string): Expression {
  const kind = message?.kind;
  switch (kind?.case) {
    case 'column':
      return { kind: 'column', name: kind.value };
    case 'literal':
      return { kind: 'literal', value: literalFromProto(kind.value, place) };
    case 'binary':
      return binaryFromProto(
        kind.value.operator,
        expressionFromProto(kind.value.left, place),
        expressionFromProto(kind.value.right, place),
        place,
      );
    case 'not':
      return { kind: 'not', operand: expressionFromProto(kind.value, place) };
    case 'isNull':
      return { kind: 'isNull', operand: expressionFromProto(kind.value, place) };
    case 'fillNull':
      return {
        kind: 'fillNull',
        operand: expressionFromProto(kind.value.operand, place),
        fallback: expressionFromProto(kind.value.fallback, place),
      };
    case 'jsonExtract': {
      const as = scalarFromProto(kind.value.as);
      if (as !== 'string' && as !== 'int' && as !== 'float' && as !== 'bool')
        throw invalidArgument(place, 'a JSON member is read as string, int, float or bool');
      return { kind: 'jsonExtract', operand: expressionFromProto(kind.value.operand, place), path: kind.value.path, as };
    }
    default:
      throw invalidArgument(place, 'an expression, or a part of one, is missing');
  }
}

function binary(name: BinaryName, left: Expression, right: Expression): Init {
  return { kind: { case: 'binary', value: { operator: OPERATORS[name], left: expressionToProto(left), right: expressionToProto(right) } } };
}

function binaryFromProto(operator: Operator, left: Expression, right: Expression, place: string): Expression {
  const arithmetic = ARITHMETIC.get(operator);
  if (arithmetic !== undefined) return { kind: 'arithmetic', operator: arithmetic, left, right };
  const comparison = COMPARISON.get(operator);
  if (comparison !== undefined) return { kind: 'comparison', operator: comparison, left, right };
  const logic = LOGIC.get(operator);
  if (logic !== undefined) return { kind: logic, left, right };
  throw invalidArgument(place, `has the operator ${operator}, which this server does not know: upgrade it`);
}

function byOperator<Name extends BinaryName>(names: readonly Name[]): ReadonlyMap<Operator, Name> {
  return new Map(names.map((name) => [OPERATORS[name], name]));
}

function literalToProto(literal: Literal): MessageInitShape<typeof ValueSchema> {
  switch (literal.type) {
    case 'string':
      return { kind: { case: 'stringValue', value: literal.value } };
    case 'decimal':
      return { kind: { case: 'decimalValue', value: literal.value } };
    case 'int':
      return { kind: { case: 'intValue', value: BigInt(literal.value) } };
    case 'float':
      return { kind: { case: 'floatValue', value: literal.value } };
    case 'timestamp':
      return { kind: { case: 'timestampUs', value: BigInt(literal.value) } };
    case 'date':
      return { kind: { case: 'dateDays', value: literal.value } };
    case 'bool':
      return { kind: { case: 'boolValue', value: literal.value } };
  }
}

function literalFromProto({ kind }: ValueMessage, place: string): Literal {
  switch (kind.case) {
    case 'stringValue':
      return { type: 'string', value: kind.value };
    case 'decimalValue':
      return { type: 'decimal', value: kind.value };
    case 'intValue':
      return { type: 'int', value: safeNumber(kind.value, place) };
    case 'floatValue':
      if (!Number.isFinite(kind.value)) throw invalidArgument(place, 'a literal is a finite number');
      return { type: 'float', value: kind.value };
    case 'timestampUs':
      return { type: 'timestamp', value: safeNumber(kind.value, place) };
    case 'dateDays':
      return { type: 'date', value: kind.value };
    case 'boolValue':
      return { type: 'bool', value: kind.value };
    default:
      throw invalidArgument(place, 'a literal is a string, int, float, bool, timestamp, date or decimal');
  }
}
