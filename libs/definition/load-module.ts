import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { build, type BuildFailure, type Message } from 'esbuild';
import { type FieldViolation, ThymeError } from '../errors/errors.js';
import { BUNDLE_FILENAME } from './evaluate-bundle.js';

/** A module of definitions as one CommonJS text, named by its content. */
export interface Bundle {
  readonly code: string;
  readonly sha256: string;
}

/**
 * Bundles the author's module with everything it imports but `thyme` itself, which is the running
 * program's own. Throws THYME_MODULE_INVALID, naming file and line.
 */
export async function bundleModule(path: string): Promise<Bundle> {
  const entry = resolve(path);
  try {
    const { outputFiles } = await build({
      entryPoints: [basename(entry)],
      absWorkingDir: dirname(entry), // paths in the code are relative to it: the same module gives the same sha256 anywhere
      outfile: BUNDLE_FILENAME,
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      external: ['thyme', 'thyme/sources'],
      sourcemap: 'inline',
      sourcesContent: false,
      logLevel: 'silent',
      // Overrides the author's tsconfig.json: legacy decorators would not be called as the face needs,
      // and without defined class fields a field without decorator could not be seen.
      tsconfigRaw: { compilerOptions: { experimentalDecorators: false, useDefineForClassFields: true } },
    });
    const code = outputFiles[0]?.text ?? '';
    return { code, sha256: createHash('sha256').update(code).digest('hex') };
  } catch (error) {
    throw moduleInvalid(path, error);
  }
}

/** The files that a module is bundled from, absolute, itself among them: what a change of may change it. Throws as `bundleModule` does. */
export async function moduleFiles(path: string): Promise<readonly string[]> {
  const entry = resolve(path);
  try {
    const { metafile } = await build({
      entryPoints: [basename(entry)],
      absWorkingDir: dirname(entry),
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      external: ['thyme', 'thyme/sources'],
      logLevel: 'silent',
    });
    return Object.keys(metafile.inputs).map((input) => resolve(dirname(entry), input));
  } catch (error) {
    throw moduleInvalid(path, error);
  }
}

function moduleInvalid(path: string, error: unknown): unknown {
  if (!isBuildFailure(error)) return error;
  const violations = error.errors.map(violation);
  const lines = violations.map(({ field, description }) => `${field}: ${description}`);
  return new ThymeError('THYME_MODULE_INVALID', 'INVALID_ARGUMENT', `${path} cannot be bundled\n${lines.join('\n')}`, violations, {
    cause: error,
  });
}

function violation({ location, text }: Message): FieldViolation {
  return { field: location === null ? 'module' : `${location.file}:${location.line}:${location.column + 1}`, description: text };
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
