// `npm run docs:build`: the documentation as static pages, for `/docs` of a platform and for any web server. They are read without
// a script; the search is one, with an index that is made here.
//
//   page-set.ts        - which documents become pages, and what their links become
//   page-shell.ts      - what stands around a page's text
//   rest-reference.ts  - the reference of REST, from the table that requests are routed by
//   grpc-reference.ts  - the reference of gRPC, from the protos and their comments
//   typescript-reference.ts - the reference of the package's modules, from their declarations
//   search-files.ts    - the index of all pages; search/ is what runs in the browser
//
// The Markdown is read by VitePress's own renderer.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMarkdownRenderer } from 'vitepress';
import { grpcReference } from './grpc-reference.js';
import { anchored, cited, IMAGES, linked, pageSet, slugOf, type Page } from './page-set.js';
import { shell } from './page-shell.js';
import { restReference } from './rest-reference.js';
import { searchFiles } from './search-files.js';
import { typescriptReference } from './typescript-reference.js';

export async function buildDocs(folder: string): Promise<readonly Page[]> {
  const markdown = await createMarkdownRenderer('docs', {
    highlight: (code) => `<pre><code>${markdown.utils.escapeHtml(code)}</code></pre>`,
    anchor: { slugify: slugOf, permalink: () => undefined },
    attrs: { disable: true },
  });
  const pages: readonly Page[] = [
    ...pageSet(),
    { name: 'rest', source: 'docs/rest.md', title: 'REST reference', text: restReference() },
    { name: 'grpc', source: 'docs/grpc.md', title: 'gRPC reference', text: await grpcReference() },
    { name: 'typescript', source: 'docs/typescript.md', title: 'TypeScript reference', text: typescriptReference() },
  ];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const page of pages) {
    const html = markdown.render(page.text, { path: page.source, relativePath: page.source });
    writeFileSync(join(folder, `${page.name}.html`), shell(page, linked(cited(anchored(html), page), page, pages), pages));
  }
  const search = await searchFiles(pages);
  writeFileSync(join(folder, 'search.js'), search.script);
  writeFileSync(join(folder, 'search-index.js'), search.index);
  writeFileSync(join(folder, 'style.css'), readFileSync('infra/docs/style.css'));
  cpSync(IMAGES, join(folder, 'images'), { recursive: true });
  return pages;
}
