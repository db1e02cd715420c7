import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface PageBundle {
  readonly script: string;
  readonly style: string;
}

const SCRIPT = 'page.js';
const STYLE = 'page.css';
const HERE = fileURLToPath(new URL('.', import.meta.url));
/** What `npm run build` leaves beside the compiled program; among the sources there is none. */
const BUILT = join(HERE, 'bundle');

/** The page's script and style: as they were built, or made in memory from the sources, which takes a fraction of a second. */
export async function pageBundle(): Promise<PageBundle> {
  if (!existsSync(BUILT)) return bundlePage(join(HERE, 'page', 'main.tsx'));
  const [script, style] = await Promise.all([SCRIPT, STYLE].map((name) => readFile(join(BUILT, name), 'utf8')));
  return { script: script ?? '', style: style ?? '' };
}

/** Bundles the page whose first file this is. */
export async function bundlePage(entry: string): Promise<PageBundle> {
  const { outputFiles } = await build({
    entryPoints: { page: entry },
    bundle: true,
    minify: true,
    write: false,
    outdir: '/',
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const text = (name: string): string => {
    const file = outputFiles.find(({ path }) => path.endsWith(name));
    if (file === undefined) throw new Error(`bundling the console gave no ${name}`);
    return file.text;
  };
  return { script: text(SCRIPT), style: text(STYLE) };
}

/** For the build: into the folder where `pageBundle` of the compiled program looks. */
export async function writePageBundle(entry: string, folder: string): Promise<void> {
  const { script, style } = await bundlePage(entry);
  await mkdir(folder, { recursive: true });
  await Promise.all([writeFile(join(folder, SCRIPT), script), writeFile(join(folder, STYLE), style)]);
}
