import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

// The author's own tsc looks at the module: what the editor says, said again where nobody has looked. It needs nothing of ours.

export interface TypeCheck {
  /** Why it was not checked; undefined where it was. */
  readonly unchecked: string | undefined;
  readonly errors: readonly TypeError[];
}

/** As tsc tells it. */
export interface TypeError {
  /** From the working folder. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
}

/** A large project on a busy machine; one that takes longer is not waited for. */
const TSC_MS_MAX = 120_000;
const OUTPUT_BYTES_MAX = 8 * 1_024 * 1_024;
/** More are cut: the first few are to be mended first. */
const ERRORS_MAX = 100;

/** Where there is no tsconfig.json: as `thyme init` writes it. */
const DEFAULTS = { target: 'es2022', module: 'nodenext', strict: true, lib: ['es2023', 'esnext.decorators', 'esnext.disposable'] };
/** A look and nothing else, whatever the project's settings are. */
const ONLY_LOOK = { noEmit: true, composite: false, incremental: false, declaration: false, skipLibCheck: true };

/**
 * Checks the module, and all that it imports, with the typescript that is installed beside it and the tsconfig.json that is above it.
 * Never rejects.
 */
export async function typeCheck(module: string, signal: AbortSignal): Promise<TypeCheck> {
  const entry = resolve(module);
  const tsc = await tscOf(entry);
  const root = above(dirname(entry), 'node_modules');
  if (tsc === undefined || root === undefined)
    return { unchecked: 'types were not checked: no typescript is installed for it (npm install -D typescript)', errors: [] };
  try {
    return await checkWith({ tsc, entry, cache: join(root, 'node_modules', '.cache', 'thyme'), signal });
  } catch (error) {
    return { unchecked: `types were not checked: ${error instanceof Error ? error.message : String(error)}`, errors: [] };
  }
}

/** As tsc prints it: `features.ts(3,14): error TS2322: ...` */
export function errorLine({ file, line, column, code, message }: TypeError): string {
  return `${file}:${line}:${column} ${code}: ${message}`;
}

/** The program's file of the package that the module's folder resolves. */
async function tscOf(entry: string): Promise<string | undefined> {
  try {
    const manifest = createRequire(entry).resolve('typescript/package.json');
    const { bin } = JSON.parse(await readFile(manifest, 'utf8')) as { readonly bin?: Readonly<Record<string, string>> };
    return bin?.['tsc'] === undefined ? undefined : join(dirname(manifest), bin['tsc']);
  } catch {
    return undefined;
  }
}

/** The nearest folder, from this one up, that has it. */
function above(folder: string, name: string): string | undefined {
  if (existsSync(join(folder, name))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : above(parent, name);
}

interface TscRun {
  readonly tsc: string;
  readonly entry: string;
  readonly cache: string;
  readonly signal: AbortSignal;
}

/** The settings lie in a folder under node_modules, from where packages of types are found as the project finds them. */
async function checkWith({ tsc, entry, cache, signal }: TscRun): Promise<TypeCheck> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'types-'));
  try {
    const settings = join(folder, 'tsconfig.json');
    const project = above(dirname(entry), 'tsconfig.json');
    const extended = project === undefined ? {} : { extends: join(project, 'tsconfig.json') };
    const compilerOptions = { ...(project === undefined ? DEFAULTS : {}), ...ONLY_LOOK };
    await writeFile(settings, JSON.stringify({ ...extended, compilerOptions, files: [entry], include: [], references: [] }));
    const { isDone, output } = await run([tsc, '-p', settings, '--pretty', 'false'], signal);
    if (!isDone) return { unchecked: `types were not checked: tsc took longer than ${TSC_MS_MAX / 1_000} s`, errors: [] };
    return found(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(args: readonly string[], signal: AbortSignal): Promise<{ readonly isDone: boolean; readonly output: string }> {
  return new Promise((settle, reject) => {
    const limits = { timeout: TSC_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX, signal };
    execFile(process.execPath, args, limits, (error, stdout, stderr) => {
      // tsc exits with 1 or 2 where it found errors; what it cannot do at all, it says on either stream.
      if (error !== null && error.killed !== true && typeof error.code !== 'number') reject(error);
      else settle({ isDone: error?.killed !== true, output: stdout + stderr });
    });
  });
}

const LOCATED = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/;

/** Errors without a place, or in a tsconfig.json, are of settings, which are the project's: then nothing was checked. */
function found(output: string): TypeCheck {
  const errors: { file: string; line: number; column: number; code: string; message: string }[] = [];
  for (const text of output.split('\n')) {
    const [, file = '', line, column, code = '', message = ''] = LOCATED.exec(text) ?? [];
    const last = errors.at(-1);
    if (file !== '') errors.push({ file: relative('', resolve(file)), line: Number(line), column: Number(column), code, message });
    else if (text.startsWith(' ') && last !== undefined)
      last.message += `\n${text}`; // why, line by line
    else if (/^error TS\d+: /.test(text)) return { unchecked: `types were not checked: ${text.replace(/^error /, '')}`, errors: [] };
  }
  const ofSettings = errors.find(({ file }) => file.endsWith('.json'));
  if (ofSettings !== undefined) return { unchecked: `types were not checked: ${ofSettings.message}`, errors: [] };
  return { unchecked: undefined, errors: errors.slice(0, ERRORS_MAX) };
}
