import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Programs {
  /** `thyme`, with all its commands. */
  readonly thyme: string;
  readonly generator: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The programs as one file each: a process that is started a hundred times starts in half the time, and all of
 * a run is the source as it was when it began. Under node_modules, so that packages are found from there.
 */
export async function buildPrograms(): Promise<Programs> {
  const folder = join(ROOT, 'node_modules', '.cache', `thyme-crash-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const bundle = async (entry: string, name: string): Promise<string> => {
    const outfile = join(folder, name);
    await build({
      entryPoints: [join(ROOT, entry)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      sourcemap: 'inline',
      logLevel: 'error',
    });
    return outfile;
  };
  const [thyme, generator] = await Promise.all([
    bundle('services/program/thyme.ts', 'thyme.mjs'),
    bundle('test/crash/generator.ts', 'generator.mjs'),
    bundle('services/registry/bundle-worker.ts', 'bundle-worker.mjs'), // which the program starts beside itself
  ]);
  return { thyme, generator };
}
