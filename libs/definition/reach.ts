// What a function of a bundle reaches, as one text that does not depend on names (S19).
//
// From the nodes that it starts with, every binding that they refer to is followed: functions, constants, classes, what was
// imported (esbuild has written it into the same text), and what fills them. Each is written canonically: bindings by numbers
// in the order that they are met, so that neither renaming nor moving a declaration counts, nor white space, comments, quotes
// or parentheses.
//
//   syntax.ts  - acorn's tree        scopes.ts - which name stands for what        writes.ts - what makes a value another
//
// Where a class is only asked for a static member, as in `Rates.eur`, that member is followed; anything else is followed whole. Whoever
// reaches `eval`, `Function`, `import()`, `with` or the global object reaches everything: what it will find there cannot be read here.

import type { Binding, Scopes } from './scopes.js';
import { isClass, isFunction, isIdentifier, isNode, memberName, nodesIn, part, parts, type SyntaxNode } from './syntax.js';
import type { Write } from './writes.js';

const UNREADABLE_GLOBALS = new Set(['eval', 'Function', 'globalThis', 'global', 'window', 'self']);
/** What esbuild writes around the author's code; it comes with esbuild, not with the author. */
const BUNDLER_HELPER =
  /^__(?:create|def\w*|getOwn\w*|getProtoOf|hasOwnProp|propIsEnum|knownSymbol|typeError|commonJS|esm|export|copyProps|reExport|toESM|toCommonJS|decorat\w*|expectFn|runInitializers|publicField|accessCheck|private\w*|spread\w*|objRest|async\w*|await|yieldStar|forAwait|template|using|callDispose|pow)$/;
const NOT_WRITTEN = new Set(['type', 'start', 'end', 'raw', 'shorthand', 'loc', 'range', 'sourceType']);

/** Something that is to be written: a node, or a static member of a class. */
interface Follow {
  readonly node: SyntaxNode;
  readonly member?: string;
}

export class Reach {
  readonly #scopes: Scopes;
  readonly #writes: ReadonlyMap<Binding, readonly Write[]>;
  readonly #bindingOfDeclaration: ReadonlyMap<SyntaxNode, Binding>;

  constructor(scopes: Scopes, writes: ReadonlyMap<Binding, readonly Write[]>) {
    this.#scopes = scopes;
    this.#writes = writes;
    this.#bindingOfDeclaration = new Map(
      [...scopes.references].flatMap(([, binding]) => (binding.declaration ? [[binding.declaration, binding]] : [])),
    );
  }

  /** The canonical text of all that the nodes reach, their own first. */
  textOf(starts: readonly SyntaxNode[]): string {
    const walk = new Walk(this.#scopes, this.#writes, this.#bindingOfDeclaration);
    return walk.run(starts) ?? new Walk(this.#scopes, this.#writes, this.#bindingOfDeclaration).whole();
  }
}

/** One search; numbers are given in its order. */
class Walk {
  readonly #scopes: Scopes;
  readonly #writes: ReadonlyMap<Binding, readonly Write[]>;
  readonly #bindingOfDeclaration: ReadonlyMap<SyntaxNode, Binding>;
  readonly #numbers = new Map<SyntaxNode | Binding, number>();
  readonly #queue: Follow[] = [];
  readonly #queued = new Set<string>();
  readonly #ids = new Map<SyntaxNode, number>();
  readonly #followed = new Set<Binding>();
  readonly #out: string[] = [];
  #reachesAll = false;

  constructor(scopes: Scopes, writes: ReadonlyMap<Binding, readonly Write[]>, bindingOfDeclaration: ReadonlyMap<SyntaxNode, Binding>) {
    this.#scopes = scopes;
    this.#writes = writes;
    this.#bindingOfDeclaration = bindingOfDeclaration;
  }

  /** Undefined where it cannot be told what is reached. */
  run(starts: readonly SyntaxNode[]): string | undefined {
    for (const node of starts) this.#enqueue({ node });
    for (const { node, member } of this.#queue) {
      this.#out.push('\n');
      if (member === undefined) this.#write(node);
      else this.#writeMember(node, member);
      if (this.#reachesAll) return undefined;
    }
    return this.#out.join('');
  }

  /** Everything there is. */
  whole(): string {
    this.#write(this.#scopes.program);
    return `everything${this.#out.join('')}`;
  }

  #write(node: SyntaxNode): void {
    if (isIdentifier(node)) return this.#writeName(node);
    if (node.type === 'ImportExpression' || node.type === 'WithStatement') this.#reachesAll = true;
    const member = node.type === 'MemberExpression' ? this.#staticMember(node) : undefined;
    if (member !== undefined) {
      this.#enqueue(member);
      this.#out.push(`[static ${this.#numberOf(member.node)} ${JSON.stringify(member.member)}]`);
      return;
    }
    this.#out.push('(', node.type);
    for (const [name, value] of Object.entries(node)) {
      if (!NOT_WRITTEN.has(name)) this.#writePart(name, value);
    }
    this.#out.push(')');
  }

  #writePart(name: string, value: unknown): void {
    this.#out.push(' ', name, '=');
    if (Array.isArray(value)) {
      this.#out.push('[');
      for (const one of value as readonly unknown[]) {
        if (isNode(one)) this.#write(one);
        this.#out.push(',');
      }
      this.#out.push(']');
    } else if (isNode(value)) this.#write(value);
    else
      this.#out.push(
        typeof value === 'bigint' ? `${value}n` : value instanceof RegExp ? String(value) : (JSON.stringify(value) ?? 'undefined'),
      );
  }

  #writeName(identifier: SyntaxNode & { readonly name: string }): void {
    const binding = this.#scopes.bindingOf(identifier);
    if (binding === undefined) {
      this.#out.push(JSON.stringify(identifier.name)); // the name of a member
      return;
    }
    if (binding.kind === 'global') {
      this.#reachesAll ||= UNREADABLE_GLOBALS.has(binding.name);
      this.#followWrites(binding);
      this.#out.push(`global ${binding.name}`);
      return;
    }
    if (binding.home === this.#scopes.program && BUNDLER_HELPER.test(binding.name)) {
      this.#out.push(`helper ${binding.name}`);
      return;
    }
    this.#follow(binding);
    this.#out.push(`#${this.#numberOf(binding.declaration !== undefined && isClass(binding.declaration) ? binding.declaration : binding)}`);
  }

  #follow(binding: Binding): void {
    if (this.#followed.has(binding)) return;
    this.#followed.add(binding);
    const { declaration } = binding;
    // What a parameter is, its callers say; they are reached by calling.
    if (declaration !== undefined && binding.kind !== 'parameter') this.#enqueue({ node: this.#declared(declaration) });
    this.#followWrites(binding);
  }

  /** A variable's declarator; of one that a loop declares, the loop. */
  #declared(declaration: SyntaxNode): SyntaxNode {
    if (declaration.type !== 'VariableDeclarator') return declaration;
    const list = this.#scopes.parentOf(declaration);
    const around = list && this.#scopes.parentOf(list);
    return around !== undefined && (around.type === 'ForInStatement' || around.type === 'ForOfStatement') ? around : declaration;
  }

  #followWrites(binding: Binding): void {
    for (const { statement, by } of this.#writes.get(binding) ?? []) {
      if (by === undefined) this.#enqueue({ node: statement });
      else this.#followFunction(by);
    }
  }

  /**
   * A function with a name that writes to what is reached: it, and so those who call it for that. Not a method: who
   * calls it cannot be told.
   */
  #followFunction(by: SyntaxNode): void {
    const declaration = by.type === 'FunctionDeclaration' ? by : this.#scopes.parentOf(by);
    const binding = declaration && this.#bindingOfDeclaration.get(declaration);
    if (binding?.home === this.#scopes.program) this.#follow(binding);
  }

  /** The class, and the member that `Class.member` asks for. */
  #staticMember(node: SyntaxNode): Follow | undefined {
    const object = part(node, 'object');
    const member = memberName(node);
    const made = member === undefined || !isIdentifier(object) ? undefined : this.#classOf(this.#scopes.bindingOf(object));
    return made === undefined || member === undefined ? undefined : { node: made, member };
  }

  /** The class that a name stands for: `class A {}`, `var A = class {}`, `var A = _A`. */
  #classOf(binding: Binding | undefined, hops = 0): SyntaxNode | undefined {
    const declaration = binding?.declaration;
    if (declaration === undefined || hops > 4) return undefined;
    if (isClass(declaration)) return declaration;
    const init = declaration.type === 'VariableDeclarator' ? part(declaration, 'init') : undefined;
    if (init === undefined) return undefined;
    if (isClass(init)) return init;
    return isIdentifier(init) ? this.#classOf(this.#scopes.bindingOf(init), hops + 1) : undefined;
  }

  /** A member that uses `this` or `super` may reach any other. */
  #writeMember(made: SyntaxNode, member: string): void {
    const body = part(made, 'body');
    const own = (body === undefined ? [] : parts(body, 'body')).filter((one) => one.static === true && memberName(one) === member);
    const set = this.#namesOf(made).flatMap((binding) =>
      (this.#writes.get(binding) ?? []).filter((write) => write.member === member || isPlain(write)),
    );
    const usesAll = own.some((one) => nodesIn(one).some(({ type }) => type === 'ThisExpression' || type === 'Super'));
    // What is nowhere set is inherited, or was made in a way that is not seen here.
    if (usesAll || own.length + set.filter((write) => write.member === member).length === 0) return this.#writeWhole(made);
    for (const one of own) this.#write(one);
    for (const { statement, value, by } of set) {
      if (by !== undefined) this.#followFunction(by);
      else if (value !== undefined) this.#write(value);
      else this.#enqueue({ node: statement });
    }
  }

  #writeWhole(made: SyntaxNode): void {
    this.#write(made);
    for (const binding of this.#namesOf(made)) this.#followWrites(binding);
  }

  #namesOf(made: SyntaxNode): readonly Binding[] {
    const names = new Set<Binding>();
    for (const [, binding] of this.#scopes.references) if (this.#classOf(binding) === made) names.add(binding);
    return [...names];
  }

  #enqueue(follow: Follow): void {
    const name = `${this.#idOf(follow.node)} ${follow.member ?? ''}`;
    if (this.#queued.has(name)) return;
    this.#queued.add(name);
    this.#queue.push(follow);
  }

  #idOf(node: SyntaxNode): number {
    const id = this.#ids.get(node) ?? this.#ids.size;
    this.#ids.set(node, id);
    return id;
  }

  #numberOf(of: SyntaxNode | Binding): number {
    const number = this.#numbers.get(of) ?? this.#numbers.size;
    this.#numbers.set(of, number);
    return number;
  }
}

/** A write to the whole that no decorator makes: those of a definition's class are for the platform. */
function isPlain({ member, statement }: Write): boolean {
  if (member !== undefined) return false;
  return !nodesIn(statement, (node) => !isFunction(node)).some(
    (node) => isIdentifier(node) && /^__(?:decorat|runInitializers)/.test(node.name),
  );
}
