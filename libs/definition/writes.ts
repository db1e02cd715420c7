import type { Binding, Scopes } from './scopes.js';
import { isFunction, isIdentifier, memberName, nodesIn, part, parts, rootOf, type SyntaxNode } from './syntax.js';

/** Something that may make a binding's value another: `x = ...`, `x.a = ...`, `x.set(...)`, `fill(x)`. */
export interface Write {
  /** The member it is about where that is written out, as in `x.a = 1`; undefined for the whole. */
  readonly member: string | undefined;
  /** What the member becomes, where the statement is nothing but that. */
  readonly value: SyntaxNode | undefined;
  /** The statement that does it. */
  readonly statement: SyntaxNode;
  /** Where it is done by another function than that which declares the binding. */
  readonly by: SyntaxNode | undefined;
}

/** What writes to each binding. Calls count where they are statements of their own, as those that fill a table are. */
export function writesIn(scopes: Scopes): ReadonlyMap<Binding, readonly Write[]> {
  const writes = new Map<Binding, Write[]>();
  const note = (target: SyntaxNode, member: string | undefined, at: SyntaxNode): void => {
    const root = rootOf(target);
    const binding = isIdentifier(root) ? scopes.bindingOf(root) : undefined;
    if (binding === undefined) return;
    const home = binding.home ?? scopes.program;
    const by = functionThatRuns(at, scopes);
    const statement = statementOf(at, by, scopes);
    const value =
      member !== undefined && statement.type === 'ExpressionStatement' && statement.expression === at ? givenValue(at) : undefined;
    const write = { member, value, statement, by: by === home || by === scopes.program ? undefined : by };
    const known = writes.get(binding);
    if (known === undefined) writes.set(binding, [write]);
    else known.push(write);
  };
  for (const node of nodesIn(scopes.program)) noteWrite(node, scopes, note);
  return writes;
}

type Note = (target: SyntaxNode, member: string | undefined, at: SyntaxNode) => void;

function noteWrite(node: SyntaxNode, scopes: Scopes, note: Note): void {
  switch (node.type) {
    case 'AssignmentExpression':
      for (const target of targetsIn(part(node, 'left'))) note(target, firstMember(target), node);
      return;
    case 'UpdateExpression':
    case 'UnaryExpression': {
      const target = part(node, 'argument');
      if (target !== undefined && (node.type === 'UpdateExpression' || node.operator === 'delete')) note(target, firstMember(target), node);
      return;
    }
    case 'CallExpression': {
      if (!isForItsEffect(node, scopes)) return;
      const callee = part(node, 'callee');
      const given = parts(node, 'arguments');
      if (callee !== undefined) note(callee, undefined, node);
      for (const [i, argument] of given.entries()) note(argument, i === 0 ? definedMember(callee, given) : undefined, node);
    }
  }
}

/** Whether nobody takes the call's value: then it is made for what it does. */
function isForItsEffect(call: SyntaxNode, scopes: Scopes): boolean {
  for (let around = scopes.parentOf(call); around !== undefined; around = scopes.parentOf(around)) {
    if (around.type === 'ExpressionStatement' || around.type === 'ArrowFunctionExpression') return true;
    if (!['SequenceExpression', 'LogicalExpression', 'ConditionalExpression', 'AwaitExpression'].includes(around.type)) return false;
  }
  return false;
}

/** Gives what `x.a = value` or `__publicField(x, "a", value)` writes. */
function givenValue(node: SyntaxNode): SyntaxNode | undefined {
  return node.type === 'AssignmentExpression' ? (node.operator === '=' ? part(node, 'right') : undefined) : parts(node, 'arguments')[2];
}

/** The name in `__publicField(_A, "name", value)`, as esbuild writes a static field. */
function definedMember(callee: SyntaxNode | undefined, [, second]: readonly SyntaxNode[]): string | undefined {
  if (!isIdentifier(callee) || callee.name !== '__publicField') return undefined;
  return second?.type === 'Literal' ? String(second.value) : undefined;
}

function targetsIn(pattern: SyntaxNode | undefined): readonly SyntaxNode[] {
  if (pattern === undefined) return [];
  if (isIdentifier(pattern) || pattern.type === 'MemberExpression') return [pattern];
  return nodesIn(pattern).filter((node) => node !== pattern && (isIdentifier(node) || node.type === 'MemberExpression'));
}

/** `b` of `a.b.c`. */
function firstMember(target: SyntaxNode): string | undefined {
  let node = target;
  while (node.type === 'MemberExpression' && part(node, 'object')?.type === 'MemberExpression') node = part(node, 'object') ?? node;
  return node.type === 'MemberExpression' ? memberName(node) : undefined;
}

/** A function that is called where it stands, or given to a call, runs with what is around it. */
function functionThatRuns(node: SyntaxNode, scopes: Scopes): SyntaxNode {
  let around = scopes.functionAround(node);
  for (;;) {
    const parent = scopes.parentOf(around);
    if (!isFunction(around) || parent?.type !== 'CallExpression') return around;
    around = scopes.functionAround(around);
  }
}

/** The statement of the function's body, or of the program, that the node is in. */
function statementOf(node: SyntaxNode, by: SyntaxNode, scopes: Scopes): SyntaxNode {
  const body = isFunction(by) ? part(by, 'body') : by;
  let statement = node;
  for (let around = scopes.parentOf(node); around !== undefined && around !== body && around !== by; around = scopes.parentOf(around))
    statement = around;
  return statement;
}
