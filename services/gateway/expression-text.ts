import type { Expression, Literal } from '../../libs/expression/expression.js';

const SYMBOLS = { add: '+', sub: '−', mul: '×', div: '÷', eq: '=', ne: '≠', lt: '<', lte: '≤', gt: '>', gte: '≥' } as const;
/** Deeper ones are cut short: it is for people to read. */
const DEPTH_MAX = 12;

/** An expression in words: `amount > 0 and not (country is null)`. */
export function expressionText(expression: Expression, depth = 0): string {
  if (depth > DEPTH_MAX) return '…';
  const inner = (operand: Expression): string => {
    const text = expressionText(operand, depth + 1);
    return operand.kind === 'column' || operand.kind === 'literal' ? text : `(${text})`;
  };
  switch (expression.kind) {
    case 'column':
      return expression.name;
    case 'literal':
      return literalText(expression.value);
    case 'arithmetic':
      return `${inner(expression.left)} ${SYMBOLS[expression.operator]} ${inner(expression.right)}`;
    case 'comparison':
      return `${inner(expression.left)} ${SYMBOLS[expression.operator]} ${inner(expression.right)}`;
    case 'and':
    case 'or':
      return `${inner(expression.left)} ${expression.kind} ${inner(expression.right)}`;
    case 'not':
      return `not ${inner(expression.operand)}`;
    case 'isNull':
      return `${inner(expression.operand)} is null`;
    case 'fillNull':
      return `${inner(expression.operand)}, or ${inner(expression.fallback)} where null`;
    case 'jsonExtract':
      return `${expression.path.join('.')} of ${inner(expression.operand)} as ${expression.as}`;
  }
}

function literalText({ type, value }: Literal): string {
  return type === 'string' ? JSON.stringify(value) : String(value);
}
