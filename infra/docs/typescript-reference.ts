import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** An export of an entry point of the package. */
export interface PublicExport {
  /** As it is imported from: `thyme/client`. */
  readonly entry: string;
  readonly name: string;
  /** What stands above its declaration, in one line a paragraph; empty where nothing does. */
  readonly doc: string;
  /** Its declaration as `.d.ts` has it, with the comments of its members. */
  readonly declaration: string;
  /** Interfaces beside it that it names and that nobody imports, such as the options of a decorator; each as its declaration. */
  readonly beside: readonly string[];
}

interface EntryPoint {
  readonly name: string;
  readonly source: string;
}

/** Every export of every entry point, with its signature and what is said about it. */
export function typescriptReference(found: readonly PublicExport[] = publicExports()): string {
  const head = [
    '# TypeScript reference',
    'Written from the declarations that the package has. What runs where, the pages say: [writing features](writing-features.md), [testing](testing.md), [clients](clients.md), [sources](sources.md).',
  ];
  return (
    [
      ...head,
      ...entryPoints().flatMap(({ name }) =>
        entryText(
          name,
          found.filter(({ entry }) => entry === name),
        ),
      ),
    ].join('\n\n') + '\n'
  );
}

/** The modules that people import, by package.json, each with the source that tsconfig.json names for it. */
export function entryPoints(): readonly EntryPoint[] {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly exports: Readonly<Record<string, unknown>> };
  const { config } = ts.readConfigFile('tsconfig.json', readText) as {
    readonly config: { readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly string[]>> } };
  };
  return Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return []; // files, such as the protos
    const name = `thyme${path.slice(1)}`;
    const [source] = config.compilerOptions.paths[name] ?? [];
    if (source === undefined) throw new Error(`${name} is exported, and tsconfig.json does not say from which source`);
    return [{ name, source: source.replace(/^\.\//, '') }];
  });
}

export function publicExports(): readonly PublicExport[] {
  const entries = entryPoints();
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile('tsconfig.json', readText).config, ts.sys, '.');
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true },
  );
  const exported = entries.flatMap(({ name, source }) => exportsOf(name, program.getSourceFile(source), program.getTypeChecker()));
  const declarations = new Declarations(program, new Set(exported.map(({ name }) => name)));
  return exported.map(({ entry, name, own, from }) => ({ entry, name, ...declarations.find(from, own) }));
}

/** An export by its name, and by the name that it has where it is declared. */
interface Exported {
  readonly entry: string;
  readonly name: string;
  readonly own: string;
  readonly from: ts.SourceFile;
}

function exportsOf(entry: string, file: ts.SourceFile | undefined, checker: ts.TypeChecker): readonly Exported[] {
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${entry} is no module`);
  const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  return symbols.map((symbol) => {
    const own = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
    const from = own.declarations?.[0]?.getSourceFile();
    if (from === undefined) throw new Error(`${entry} exports ${symbol.name}, which is declared nowhere`);
    return { entry, name: symbol.name, own: own.name, from };
  });
}

/** Declarations as the compiler writes them, read again as syntax. */
class Declarations {
  readonly #files = new Map<string, ReadonlyMap<string, readonly ts.Statement[]>>();

  constructor(
    private readonly program: ts.Program,
    private readonly exported: ReadonlySet<string>,
  ) {}

  find(from: ts.SourceFile, name: string): Pick<PublicExport, 'doc' | 'declaration' | 'beside'> {
    const byName = this.#read(from);
    const statements = byName.get(name);
    if (statements === undefined) throw new Error(`${from.fileName} declares no ${name}`);
    return {
      doc: statements.map(docOf).find((doc) => doc !== '') ?? '',
      declaration: statements.map(codeOf).join('\n'),
      beside: besideOf(statements, byName)
        .filter((one) => namesOf(one).every((beside) => !this.exported.has(beside)))
        .map((one) => `${commentOf(one)}${codeOf(one)}`),
    };
  }

  #read(from: ts.SourceFile): ReadonlyMap<string, readonly ts.Statement[]> {
    const known = this.#files.get(from.fileName);
    if (known !== undefined) return known;
    let text = '';
    this.program.emit(from, (_path, written) => (text = written), undefined, true);
    const byName = new Map<string, ts.Statement[]>();
    for (const statement of ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.Latest, true).statements)
      for (const name of namesOf(statement)) byName.set(name, [...(byName.get(name) ?? []), statement]);
    this.#files.set(from.fileName, byName);
    return byName;
  }
}

function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText());
  const named =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return named && statement.name !== undefined ? [statement.name.text] : [];
}

/** Interfaces of the file that the statements name, and those that these name. */
function besideOf(statements: readonly ts.Statement[], byName: ReadonlyMap<string, readonly ts.Statement[]>): readonly ts.Statement[] {
  const found = new Set<ts.Statement>(statements);
  // The set grows while it is walked.
  for (const statement of found) {
    const visit = (node: ts.Node): void => {
      const beside = ts.isIdentifier(node) ? (byName.get(node.text) ?? []) : [];
      for (const one of beside) if (ts.isInterfaceDeclaration(one)) found.add(one);
      ts.forEachChild(node, visit);
    };
    visit(statement);
  }
  return [...found].filter((one) => !statements.includes(one));
}

function docOf(statement: ts.Statement): string {
  return (/\/\*\*([^]*?)\*\//.exec(commentOf(statement))?.[1] ?? '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
}

/** The comment that belongs to the statement: the last one before it. */
function commentOf(statement: ts.Statement): string {
  const source = statement.getSourceFile().text;
  const ranges = ts.getLeadingCommentRanges(source, statement.getFullStart()) ?? [];
  const last = ranges.at(-1);
  const text = last === undefined ? '' : source.slice(last.pos, last.end);
  return text.startsWith('/**') ? `${text}\n` : '';
}

function codeOf(statement: ts.Statement): string {
  return statement
    .getText()
    .replace(/^export declare |^export |^declare /, '')
    .replace(/ {4}/g, '  ')
    .replace(/^ +#private;\n/gm, '')
    .replace(/^ {2}readonly \[\w+\]: .*\n/gm, ''); // marks for the compiler, by symbols that nobody has
}

function entryText(name: string, found: readonly PublicExport[]): readonly string[] {
  const values = found.map((one) => {
    const code = ['```ts', one.declaration, '```'].join('\n');
    return [`### ${one.name}`, prose(one.doc), code].filter((part) => part !== '').join('\n\n');
  });
  const beside = [...new Set(found.flatMap((one) => one.beside))].sort();
  const named = beside.length === 0 ? [] : [`#### What ${name} names besides`, ['```ts', beside.join('\n'), '```'].join('\n')];
  return [`## ${name}`, ...values, ...named];
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

function prose(doc: string): string {
  return doc.replaceAll('<', '&lt;').replace(/\{@link ([^}]*)\}/g, '$1');
}
