import { createHash } from 'node:crypto';
import { Reach } from './reach.js';
import { Scopes } from './scopes.js';
import { isFunction, isIdentifier, memberName, nodesIn, part, parseBundle, parts, type SyntaxNode } from './syntax.js';
import { writesIn } from './writes.js';

/** An author's function as it was found when its bundle ran. */
export interface FoundFunction {
  readonly text: string;
  /** The pipeline's method that made the transform, and how many it made; absent for an upgrade. */
  readonly method?: { readonly text: string; readonly transforms: number };
}

/**
 * What each of the functions is: a hash of all that it reaches in its bundle. The same as long as that is the same, whatever
 * else the bundle holds, and however its parts are called (reach.ts). A bundle that does not parse has one identity for all.
 */
export function functionIdentities(code: string, functions: ReadonlyMap<string, FoundFunction>): ReadonlyMap<string, string> {
  if (functions.size === 0) return new Map();
  try {
    const program = parseBundle(code);
    const scopes = new Scopes(program);
    const reach = new Reach(scopes, writesIn(scopes));
    const texts = new Map<string, string>();
    return new Map([...functions].map(([id, found]) => [id, hash(textOf(startsOf(found, program, code), reach, texts))]));
  } catch (error) {
    // Nested deeper than the stack, or of a language that the parser does not know: then all of the text counts.
    if (error instanceof SyntaxError || error instanceof RangeError) return new Map([...functions.keys()].map((id) => [id, hash(code)]));
    throw error;
  }
}

/** Several transforms of one method have one text. */
function textOf(starts: readonly SyntaxNode[], reach: Reach, texts: Map<string, string>): string {
  const name = starts.map(({ start, end }) => `${start}-${end}`).join();
  const text = texts.get(name) ?? reach.textOf(starts);
  texts.set(name, text);
  return text;
}

function startsOf({ text, method }: FoundFunction, program: SyntaxNode, code: string): readonly SyntaxNode[] {
  const all = nodesIn(program);
  if (method === undefined) return upgradeStarts(text, all, code);
  const methods = all.filter(
    (node) => (node.type === 'MethodDefinition' || node.type === 'Property' || isFunction(node)) && sliceOf(node, code) === method.text,
  );
  const calls = methods.flatMap(transformsIn);
  const given = calls.flatMap((call) => parts(call, 'arguments').slice(1));
  // Where the method has others make its transforms, which these are cannot be read off it: all that it reaches counts.
  const isWritten = given.some((node) => !isFunction(node) || sliceOf(node, code) === text);
  if (isWritten && methods.every((node) => transformsIn(node).length >= method.transforms)) return given;
  return methods.length > 0 ? methods : [program];
}

function transformsIn(method: SyntaxNode): readonly SyntaxNode[] {
  return nodesIn(method).filter((node) => {
    const callee = node.type === 'CallExpression' ? part(node, 'callee') : undefined;
    return callee?.type === 'MemberExpression' && memberName(callee) === 'transform' && parts(node, 'arguments').length > 1;
  });
}

/** The function where it is written out beside `upgrade`; else every function of that text, and whatever is named there. */
function upgradeStarts(text: string, all: readonly SyntaxNode[], code: string): readonly SyntaxNode[] {
  const given = all.flatMap((node) => {
    const value = node.type === 'Property' && memberName(node) === 'upgrade' ? part(node, 'value') : undefined;
    return value === undefined || isIdentifier(value) ? [] : [value];
  });
  const written = given.filter((node) => sliceOf(node, code) === text);
  if (written.length > 0) return written;
  const made = all.filter((node) => isFunction(node) && sliceOf(node, code) === text);
  return [...made, ...given.filter((node) => !isFunction(node))];
}

/** As `toString` of the function gives it. */
function sliceOf({ start, end, type, static: isStatic }: SyntaxNode, code: string): string {
  const text = code.slice(start, end);
  return type === 'MethodDefinition' && isStatic === true ? text.replace(/^static\s+/, '') : text;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
