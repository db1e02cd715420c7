import type { Expression } from '../expression/expression.js';
import { describeType, type ValueType } from '../schema/value-type.js';
import { expressionType, partsOf, type Schema } from './expression-type.js';
import { EXPRESSION_NODES_MAX } from './limits.js';
import type { Report } from './problem.js';

/** An expression that must give a bool. */
export function checkPredicate(where: Expression, word: string, schema: Schema, report: Report): void {
  const type = checkExpression(where, schema, report);
  if (type !== undefined && type.kind !== 'bool')
    report(`${word} takes a predicate, not ${describeType(type)}`, 'compare it, such as .gt(0)');
}

/** Its type; undefined where a problem was reported. The size is bounded before anything recurses into it. */
export function checkExpression(expression: Expression, schema: Schema, report: Report): ValueType | undefined {
  let count = 0;
  for (const part of partsOf(expression)) {
    if (++count > EXPRESSION_NODES_MAX) {
      report(`its expression has more than ${EXPRESSION_NODES_MAX} parts`, 'split it over several assigns, or use a transform');
      return undefined;
    }
    if (part.kind === 'jsonExtract' && (part.path.length === 0 || part.path.includes('')))
      report('jsonExtract has an empty path', "name the members, such as 'device.os'");
  }
  return expressionType(expression, schema, report);
}
