import { createRequire, isBuiltin, SourceMap, type SourceMapPayload } from 'node:module';
import { compileFunction } from 'node:vm';
import { ThymeError } from '../errors/errors.js';
import * as sources from './sources.js';
import * as thyme from './thyme.js';

// Runs a bundle of definitions. It is operator-trusted code with the process's own rights
// (DESIGN 8): the function around it is a module system, no sandbox.

type Require = (name: string) => unknown;
type Run = (require: Require, module: { exports: unknown }, exports: unknown) => void;

/** The bundle's name in stack traces; its source map leads back to the author's files. */
export const BUNDLE_FILENAME = 'thyme-bundle.cjs';

/** Words and classes of this very program: a bundle's decorators and ours must be the same. */
const OWN_MODULES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['thyme', thyme],
  ['thyme/sources', sources],
]);

/**
 * The exports of a bundle's module. Throws THYME_MODULE_INVALID with the author's file and line
 * where the code does not parse or throws.
 */
export function evaluateBundle(code: string, filename = BUNDLE_FILENAME): Readonly<Record<string, unknown>> {
  const module = { exports: {} as unknown };
  try {
    // Through `Run`: compileFunction's type does not know the parameters it was given.
    const run = compileFunction(code, ['require', 'module', 'exports'], { filename }) as Run;
    run(requireFrom(filename), module, module.exports);
  } catch (error) {
    if (error instanceof ThymeError) throw error;
    throw moduleThrew(error, code, filename);
  }
  const { exports } = module;
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null)
    throw moduleInvalid(filename, 'the module exports nothing: export the classes');
  return exports as Readonly<Record<string, unknown>>;
}

/** Node's own modules and ours; everything else was bundled. */
function requireFrom(filename: string): Require {
  const nodeRequire = createRequire(import.meta.url);
  return (name) => {
    const own = OWN_MODULES.get(name);
    if (own !== undefined) return own;
    if (isBuiltin(name)) return nodeRequire(name) as unknown;
    const fix = name.startsWith('thyme')
      ? `there are ${[...OWN_MODULES.keys()].map((known) => `'${known}'`).join(' and ')}`
      : 'import it at the top of a module, so that it is bundled';
    throw moduleInvalid(filename, `it requires '${name.slice(0, 128)}' as it runs: ${fix}`);
  };
}

function moduleThrew(error: unknown, code: string, filename: string): ThymeError {
  const place = placeOf(error, code, filename);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return moduleInvalid(place, message, error);
}

function moduleInvalid(place: string, description: string, cause?: unknown): ThymeError {
  return new ThymeError('THYME_MODULE_INVALID', 'INVALID_ARGUMENT', `${place}: ${description}`, [{ field: place, description }], { cause });
}

/** Of a line of a stack: a path has 4,096 bytes at most, and those of a project far fewer. */
const FRAME_LENGTH_READ = 1_024;

/** The innermost frame of the author's, by the bundle's source map: `features.ts:12`. */
export function placeOf(error: unknown, code: string, filename: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const at = stack.indexOf(`${filename}:`);
  const position = at < 0 ? null : /^:(\d+)(?::(\d+))?/.exec(stack.slice(at + filename.length));
  // Under --enable-source-maps the stack names the author's file already.
  if (position === null) return frameOf(stack) ?? filename;
  const [line, column] = [Number(position[1]), Number(position[2] ?? 1)];
  const entry = sourceMapOf(code)?.findEntry(line - 1, column - 1);
  return entry !== undefined && 'originalSource' in entry ? `${entry.originalSource}:${entry.originalLine + 1}` : `${filename}:${line}`;
}

/** The first place that a line of the stack names. The message before them may be of any length, and a pattern is slow on it. */
function frameOf(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    const place = line.startsWith('    at ')
      ? /([^\s()]+\.[cm]?[jt]sx?:\d+)(?::\d+)?\)?$/.exec(line.slice(-FRAME_LENGTH_READ))?.[1]
      : undefined;
    if (place !== undefined) return place;
  }
  return undefined;
}

function sourceMapOf(code: string): SourceMap | undefined {
  const encoded = /\n\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/.exec(code)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as SourceMapPayload);
  } catch {
    return undefined; // a map that cannot be read costs the place, not the error
  }
}
