import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** As they are written, such as `node:path` or `./clock.js`. */
  readonly imports: readonly string[];
  /** Those that are files of this repository, by their paths. */
  readonly reads: readonly string[];
}

/** Own names of the package, as the face is imported by examples. */
const SELF: ReadonlyMap<string, string> = new Map([
  ['thyme', 'libs/definition/thyme.ts'],
  ['thyme/sources', 'libs/definition/sources.ts'],
  ['thyme/connector', 'libs/source/own-connector.ts'],
  ['thyme/connector-testing', 'services/ingest/testing/source-contract.ts'],
  ['thyme/testing', 'services/testing/testing.ts'],
  ['thyme/client', 'libs/client/thyme-client.ts'],
]);

const IMPORTS = [/^(?:import|export)\s[^;]*?from\s+'([^']+)'/gm, /^import\s+'([^']+)'/gm, /\bimport\('([^']+)'\)/g];

/** All files that git keeps or would keep, but what is generated. */
export function trackedFiles(pattern: readonly string[]): readonly string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...pattern], { encoding: 'utf8' });
  return output.split('\n').filter((path) => path !== '' && !path.startsWith('gen/') && existsSync(path));
}

export function sourceFiles(): readonly SourceFile[] {
  const paths = trackedFiles(['*.ts', '*.tsx', '*.js']);
  const known = new Set(paths);
  return paths.map((path) => {
    const text = readFileSync(path, 'utf8');
    const imports = IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name = '']) => name));
    return { path, text, imports, reads: imports.flatMap((name) => resolved(path, name, known)) };
  });
}

function resolved(from: string, name: string, known: ReadonlySet<string>): readonly string[] {
  if (!name.startsWith('.')) return SELF.has(name) ? [SELF.get(name) ?? ''] : [];
  const path = normalize(join(dirname(from), name));
  const compiled = ['.ts', '.tsx'].map((ending) => path.replace(/\.js$/, ending));
  return [[path, ...compiled].find((candidate) => known.has(candidate)) ?? path.replace(/\.js$/, '.ts')];
}

/** `@bufbuild/protobuf` of `@bufbuild/protobuf/wkt`; undefined for Node's own and for files. */
export function packageOf(name: string): string | undefined {
  if (name.startsWith('.') || name.startsWith('node:') || SELF.has(name)) return undefined;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Groups of files that need each other, directly or not (Tarjan's strongly connected components). */
export function importCycles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  const readsOf = new Map(files.map(({ path, reads }) => [path, reads]));
  const order = new Map<string, { index: number; low: number; open: boolean }>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): { index: number; low: number; open: boolean } => {
    const node = { index: order.size, low: order.size, open: true };
    order.set(path, node);
    stack.push(path);
    for (const next of readsOf.get(path) ?? []) {
      const known = order.get(next);
      if (known === undefined) node.low = Math.min(node.low, visit(next).low);
      else if (known.open) node.low = Math.min(node.low, known.index);
    }
    if (node.low === node.index) closeComponent(path);
    return node;
  };
  const closeComponent = (path: string): void => {
    const component = stack.splice(stack.indexOf(path));
    for (const member of component) (order.get(member) ?? { open: true }).open = false;
    if (component.length > 1 || readsOf.get(path)?.includes(path) === true) cycles.push(component.sort());
  };
  for (const { path } of files) if (!order.has(path)) visit(path);
  return cycles;
}
