// `npm run docs:build`: the documentation as static pages, without a script, for `/docs` of a platform and for any web server.
//
//   page-set.ts       - which documents become pages, and what their links become
//   page-shell.ts     - what stands around a page's text
//   rest-reference.ts - the reference of REST, from the table that requests are routed by
//   grpc-reference.ts - the reference of gRPC, from the protos and their comments
//
// The Markdown is read by VitePress's own renderer.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMarkdownRenderer } from 'vitepress';
import { grpcReference } from './grpc-reference.js';
import { IMAGES, linked, pageSet, slugOf, type Page } from './page-set.js';
import { shell } from './page-shell.js';
import { restReference } from './rest-reference.js';

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
  ];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const page of pages) {
    const html = markdown.render(page.text, { path: page.source, relativePath: page.source });
    writeFileSync(join(folder, `${page.name}.html`), shell(page, linked(html, page, pages), pages));
  }
  writeFileSync(join(folder, 'style.css'), readFileSync('infra/docs/style.css'));
  cpSync(IMAGES, join(folder, 'images'), { recursive: true });
  return pages;
}
