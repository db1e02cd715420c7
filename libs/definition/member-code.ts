import { isClass, isIdentifier, memberName, nodesIn, part, parts, parseBundle, type SyntaxNode } from './syntax.js';

/**
 * The code of `Class.member` for each of these names, as it stands in a bundle: what runs, without the types that the author wrote. It is
 * read, not run. A name that is not found is left out, as is all where the bundle does not parse.
 */
export function memberCode(code: string, names: readonly string[]): ReadonlyMap<string, string> {
  const classes = classesIn(code);
  const found = new Map<string, string>();
  for (const name of names) {
    const [className = '', member] = name.split('.');
    const method = (classes.get(className) ?? []).find((one) => one.static === true && memberName(one) === member);
    if (method !== undefined) found.set(name, dedented(code.slice(method.start, method.end)));
  }
  return found;
}

function classesIn(code: string): ReadonlyMap<string, readonly SyntaxNode[]> {
  try {
    const classes = new Map<string, readonly SyntaxNode[]>();
    for (const node of nodesIn(parseBundle(code))) {
      const [name, body] = namedClass(node);
      // Of two classes with one name the outer one comes first.
      if (name !== undefined && body !== undefined && !classes.has(name)) classes.set(name, parts(body, 'body'));
    }
    return classes;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return new Map();
    throw error;
  }
}

/** `class Name {}`, or as the bundler writes decorated ones `var Name = class {}`; it puts an underscore before a name within itself. */
function namedClass(node: SyntaxNode): readonly [string | undefined, SyntaxNode | undefined] {
  const declared = part(node, 'init');
  const named =
    node.type === 'VariableDeclarator' && declared !== undefined && isClass(declared) ? declared : isClass(node) ? node : undefined;
  const id = part(node, 'id');
  return named === undefined || !isIdentifier(id) ? [undefined, undefined] : [id.name.replace(/^_+/, ''), part(named, 'body')];
}

/** Without the indentation that its last line shows that all of it has. */
function dedented(text: string): string {
  const indent = /\n([ \t]*)[^\n]*$/.exec(text)?.[1] ?? '';
  return indent === '' ? text : text.replaceAll(`\n${indent}`, '\n');
}
