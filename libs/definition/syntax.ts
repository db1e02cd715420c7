import { parse } from 'acorn';

// A bundle's syntax, for who asks what refers to what: acorn's tree with the few shapes that scopes and reach need.

export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [part: string]: unknown;
}

/** The tree of a bundle, which runs as the body of a function; throws what acorn throws where it does not parse. */
export function parseBundle(code: string): SyntaxNode {
  return parse(code, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true }) as unknown as SyntaxNode;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { readonly type?: unknown }).type === 'string';
}

/** The nodes directly within. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (const name in node) {
    const value = node[name];
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const one of value as readonly unknown[]) if (isNode(one)) children.push(one);
    } else if (isNode(value)) children.push(value);
  }
  return children;
}

/** The part of that name where it is one node. */
export function part(node: SyntaxNode, name: string): SyntaxNode | undefined {
  const value = node[name];
  return isNode(value) ? value : undefined;
}

/** The nodes of a part that is a list; holes are left out. */
export function parts(node: SyntaxNode, name: string): readonly SyntaxNode[] {
  const value = node[name];
  return Array.isArray(value) ? (value as readonly unknown[]).filter(isNode) : [];
}

/** The node itself and all within, outer ones first. `into` says whether to look inside. */
export function nodesIn(node: SyntaxNode, into: (node: SyntaxNode) => boolean = () => true): readonly SyntaxNode[] {
  const found = [node];
  // The list grows as it is walked.
  for (const one of found) if (into(one)) for (const child of childrenOf(one)) found.push(child);
  return found;
}

export function isFunction({ type }: SyntaxNode): boolean {
  return type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression';
}

export function isClass({ type }: SyntaxNode): boolean {
  return type === 'ClassDeclaration' || type === 'ClassExpression';
}

export function isIdentifier(node: SyntaxNode | undefined): node is SyntaxNode & { readonly name: string } {
  return node?.type === 'Identifier';
}

/** The name of a member that is written out: `a.name`, `a['name']`, `{ name: ... }`. */
export function memberName(node: SyntaxNode): string | undefined {
  const key = part(node, node.type === 'MemberExpression' ? 'property' : 'key');
  if (key === undefined) return undefined;
  if (key.type === 'Literal') return String(key.value);
  return node.computed !== true && (isIdentifier(key) || key.type === 'PrivateIdentifier') ? String(key.name) : undefined;
}

/** `a` of `a.b[c].d`, and `a` itself. */
export function rootOf(node: SyntaxNode): SyntaxNode {
  let root = node;
  while (root.type === 'MemberExpression' || root.type === 'ChainExpression') {
    const inner = part(root, root.type === 'MemberExpression' ? 'object' : 'expression');
    if (inner === undefined) break;
    root = inner;
  }
  return root;
}
