import { childrenOf, isClass, isFunction, isIdentifier, part, parts, type SyntaxNode } from './syntax.js';

/** What a name stands for: of two functions that both declare `x`, each has its own. */
export interface Binding {
  readonly name: string;
  /** What says what it is; undefined for a global. */
  readonly declaration: SyntaxNode | undefined;
  readonly kind: 'variable' | 'function' | 'class' | 'parameter' | 'global';
  /** The function, or the program, in which it is declared. */
  readonly home: SyntaxNode | undefined;
}

interface Scope {
  readonly outer: Scope | undefined;
  /** The function around a block. */
  readonly home: SyntaxNode;
  readonly isBlock: boolean;
  readonly names: Map<string, Binding>;
}

const BLOCKS = new Set([
  'BlockStatement',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'SwitchStatement',
  'StaticBlock',
  'CatchClause',
]);

/** Every name of a program, resolved. */
export class Scopes {
  readonly #bindings = new Map<SyntaxNode, Binding>();
  readonly #parents = new Map<SyntaxNode, SyntaxNode>();
  readonly #scopes = new Map<SyntaxNode, Scope>();
  readonly #globals = new Map<string, Binding>();

  constructor(readonly program: SyntaxNode) {
    this.#declare(program, { outer: undefined, home: program, isBlock: false, names: new Map() });
    this.#resolve(program, undefined);
  }

  /** Undefined for an identifier that is no reference, such as the name of a member. */
  bindingOf(identifier: SyntaxNode): Binding | undefined {
    return this.#bindings.get(identifier);
  }

  parentOf(node: SyntaxNode): SyntaxNode | undefined {
    return this.#parents.get(node);
  }

  /** All references and declarations, in the order of the text. */
  get references(): Iterable<readonly [SyntaxNode, Binding]> {
    return this.#bindings;
  }

  /** The function that is run when the node is; the program outside of all. */
  functionAround(node: SyntaxNode): SyntaxNode {
    let around = this.parentOf(node);
    while (around !== undefined && !isFunction(around)) around = this.parentOf(around);
    return around ?? this.program;
  }

  #declare(node: SyntaxNode, scope: Scope): void {
    const inner = this.#enter(node, scope);
    if (node.type === 'VariableDeclaration') {
      const into = node.kind === 'var' ? functionScope(inner) : inner;
      for (const declarator of parts(node, 'declarations')) declarePattern(part(declarator, 'id'), declarator, 'variable', into);
    }
    for (const child of childrenOf(node)) {
      this.#parents.set(child, node);
      this.#declare(child, inner);
    }
  }

  /** The scope within the node, with what it declares itself. */
  #enter(node: SyntaxNode, scope: Scope): Scope {
    const id = part(node, 'id');
    let inner = scope;
    if (isFunction(node)) {
      inner = { outer: scope, home: node, isBlock: false, names: new Map() };
      if (isIdentifier(id)) add(node.type === 'FunctionDeclaration' ? scope : inner, id.name, node, 'function');
      for (const parameter of parts(node, 'params')) declarePattern(parameter, node, 'parameter', inner);
    } else if (isClass(node)) {
      inner = { outer: scope, home: scope.home, isBlock: true, names: new Map() };
      if (isIdentifier(id)) {
        if (node.type === 'ClassDeclaration') add(scope, id.name, node, 'class');
        add(inner, id.name, node, 'class');
      }
    } else if (BLOCKS.has(node.type)) {
      const around = this.#parents.get(node);
      // A function's body is its own scope already.
      if (around === undefined || !isFunction(around)) inner = { outer: scope, home: scope.home, isBlock: true, names: new Map() };
      if (node.type === 'CatchClause') declarePattern(part(node, 'param'), node, 'parameter', inner);
    }
    this.#scopes.set(node, inner);
    return inner;
  }

  #resolve(node: SyntaxNode, within: SyntaxNode | undefined): void {
    if (isIdentifier(node) && within !== undefined && isReference(node, within)) this.#bindings.set(node, this.#find(node.name, node));
    for (const child of childrenOf(node)) this.#resolve(child, node);
  }

  #find(name: string, from: SyntaxNode): Binding {
    const around = this.#parents.get(from);
    // A function's own name belongs to who declares it.
    const isOwnName = around !== undefined && around.type === 'FunctionDeclaration' && around.id === from;
    const start = isOwnName ? this.#parents.get(around) : around;
    for (let scope = start && this.#scopes.get(start); scope !== undefined; scope = scope.outer) {
      const found = scope.names.get(name);
      if (found !== undefined) return found;
    }
    let global = this.#globals.get(name);
    if (global === undefined) {
      global = { name, declaration: undefined, kind: 'global', home: undefined };
      this.#globals.set(name, global);
    }
    return global;
  }
}

function functionScope(scope: Scope): Scope {
  let found = scope;
  while (found.isBlock && found.outer !== undefined) found = found.outer;
  return found;
}

function add({ names, home }: Scope, name: string, declaration: SyntaxNode, kind: Binding['kind']): void {
  const earlier = names.get(name);
  // `var` may be said twice: the one that gives a value is what it is.
  if (earlier?.kind === 'variable' && earlier.declaration?.init !== null) return;
  if (earlier !== undefined && earlier.kind !== 'variable') return;
  names.set(name, { name, declaration, kind, home });
}

function declarePattern(pattern: SyntaxNode | undefined, declaration: SyntaxNode, kind: Binding['kind'], scope: Scope): void {
  if (pattern === undefined) return;
  if (isIdentifier(pattern)) add(scope, pattern.name, declaration, kind);
  else if (pattern.type === 'ObjectPattern')
    for (const property of parts(pattern, 'properties'))
      declarePattern(part(property, property.type === 'RestElement' ? 'argument' : 'value'), declaration, kind, scope);
  else if (pattern.type === 'ArrayPattern')
    for (const element of parts(pattern, 'elements')) declarePattern(element, declaration, kind, scope);
  else if (pattern.type === 'AssignmentPattern') declarePattern(part(pattern, 'left'), declaration, kind, scope);
  else if (pattern.type === 'RestElement') declarePattern(part(pattern, 'argument'), declaration, kind, scope);
}

function isReference(identifier: SyntaxNode, within: SyntaxNode): boolean {
  switch (within.type) {
    case 'MemberExpression':
      return within.property !== identifier || within.computed === true;
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return within.key !== identifier || within.computed === true;
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
      return false;
    default:
      return true;
  }
}
