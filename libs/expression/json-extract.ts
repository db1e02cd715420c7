import type { Value } from '../schema/value-type.js';
import type { Evaluate, Expression } from './expression.js';

type ExtractedKind = Extract<Expression, { kind: 'jsonExtract' }>['as'];

/**
 * The member at `path` of the operand's JSON text: names of objects, and digits for elements of
 * arrays. Null where there is none, where it is of another type, and where the text is no JSON.
 */
export function compileJsonExtract(operand: Evaluate, path: readonly string[], as: ExtractedKind): Evaluate {
  const take = TAKE[as];
  return (row) => {
    const text = operand(row);
    if (typeof text !== 'string') return null;
    let member = parse(text);
    for (const step of path) member = memberOf(member, step);
    return take(member);
  };
}

/** A number that JSON writes beyond what its type holds is of another type: null, never rounded. */
const TAKE: Readonly<Record<ExtractedKind, (member: unknown) => Value>> = {
  string: (member) => (typeof member === 'string' ? member : null),
  int: (member) => (typeof member === 'number' && Number.isSafeInteger(member) ? member + 0 : null),
  float: (member) => (typeof member === 'number' && Number.isFinite(member) ? member + 0 : null),
  bool: (member) => (typeof member === 'boolean' ? member : null),
};

const INDEX = /^(?:0|[1-9]\d{0,8})$/;

/** Own members only: a path may say `constructor`. */
function memberOf(parent: unknown, step: string): unknown {
  if (Array.isArray(parent)) return INDEX.test(step) ? parent[Number(step)] : undefined;
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, step)) return undefined;
  return Reflect.get(parent, step);
}

// Several extracts of one record read the same text, one after another: it is parsed once.
let parsedText = '';
let parsedValue: unknown = undefined;

function parse(text: string): unknown {
  if (text === parsedText) return parsedValue;
  parsedValue = parseOrUndefined(text);
  parsedText = text;
  return parsedValue;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a record from outside may hold anything; the contract says null
  }
}
