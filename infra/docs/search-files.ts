import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import MiniSearch from 'minisearch';
import { slugOf, type Page } from './page-set.js';
import { SEARCH_OPTIONS, type Section } from './search/section.js';

export interface SearchFiles {
  readonly script: string;
  /** A module, so that it comes by a script's rights: a page may fetch nothing. */
  readonly index: string;
}

/** The script of the search with MiniSearch in it, and the index of all pages. */
export async function searchFiles(pages: readonly Page[]): Promise<SearchFiles> {
  const { outputFiles } = await build({
    entryPoints: ['infra/docs/search/search.ts'],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    banner: { js: `/*! MiniSearch: ${readFileSync('node_modules/minisearch/LICENSE.txt', 'utf8')}*/` },
    logLevel: 'silent',
  });
  const index = new MiniSearch<Section>(SEARCH_OPTIONS);
  index.addAll(pages.flatMap(sectionsOf));
  return { script: outputFiles.map(({ text }) => text).join(''), index: `export default ${JSON.stringify(index)};\n` };
}

/** A page cut at its headings; what stands in code is found as well. */
export function sectionsOf({ name, title, text }: Page): readonly Section[] {
  const sections: { id: string; heading: string; lines: string[] }[] = [];
  let isCode = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode;
    const [, hashes, heading = ''] = (isCode ? null : /^(#{1,3}) (.+)$/.exec(line)) ?? [];
    const plain = plainText(heading);
    if (hashes !== undefined)
      sections.push({ id: `${name}.html${hashes === '#' ? '' : `#${slugOf(heading)}`}`, heading: plain, lines: [] });
    else if (!line.startsWith('```')) sections.at(-1)?.lines.push(line);
  }
  const ids = new Set<string>();
  const first = sections.filter(({ id }) => !ids.has(id) && ids.add(id)); // of headings that are the same twice, the first is led to
  return first.map(({ id, heading, lines }) => ({ id, title: plainText(title), heading, text: plainText(lines.join(' ')) }));
}

/** Markdown's marks are not what anybody looks for. */
function plainText(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\|[-|: ]+\|$/gm, '')
    .replace(/\|[-|]{3,}/g, ' ')
    .replace(/\/\*\*|\*\//g, ' ')
    .replace(/[`*]+/g, '')
    .replace(/[|#]+/g, ' ')
    .replaceAll('&lt;', '<')
    .replace(/\s+/g, ' ')
    .trim();
}
