import type { Expression } from './expression.js';

/** The names of the columns that an expression reads. */
export function columnsOf(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case 'column':
      return [expression.name];
    case 'literal':
      return [];
    case 'arithmetic':
    case 'comparison':
    case 'and':
    case 'or':
      return [...columnsOf(expression.left), ...columnsOf(expression.right)];
    case 'not':
    case 'isNull':
    case 'jsonExtract':
      return columnsOf(expression.operand);
    case 'fillNull':
      return [...columnsOf(expression.operand), ...columnsOf(expression.fallback)];
  }
}
