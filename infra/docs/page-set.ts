import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Page {
  /** Of its file, without an ending; `index` is the first one. */
  readonly name: string;
  /** The document, by its path from the root: relative links lead from there. */
  readonly source: string;
  readonly title: string;
  readonly text: string;
}

/** Where the pages are served. */
export const BASE = '/docs/';
export const IMAGES = 'docs/images';

const LINK = /\]\((?!https?:|mailto:)([^)\s#]+\.md)(?:#[^)\s]*)?\)/g;

/** The documents of `docs/`, in the order of their index, and those that they lead to. */
export function pageSet(): readonly Page[] {
  const sources = ['docs/README.md'];
  // It grows as it is walked: what a document leads to is a page as well.
  for (const source of sources) {
    for (const target of [...linksOf(source), ...(source === 'docs/README.md' ? documents() : [])]) {
      if (!sources.includes(target) && existsSync(target)) sources.push(target);
    }
  }
  const pages = sources.map(pageOf);
  const names = new Set(pages.map(({ name }) => name));
  if (names.size < pages.length) throw new Error('two documents would be pages of one name: rename one of them');
  return pages;
}

/** The page with its links as links between pages. What leads to no page, such as to a source file, is its text alone. */
export function linked(html: string, { source }: Page, pages: readonly Page[]): string {
  const names = new Map(pages.map((page) => [page.source, page.name]));
  const links = html.replace(/<a href="([^"]*)"[^>]*>([^]*?)<\/a>/g, (all, href: string, text: string) => {
    if (/^(https?:|mailto:|#)/.test(href) || href.startsWith(BASE)) return all;
    const [file = '', anchor] = href.split('#');
    const name = names.get(join(dirname(source), file.replace(/\.html$/, '.md')));
    return name === undefined ? text : `<a href="${BASE}${name}.html${anchor === undefined ? '' : `#${anchor}`}">${text}</a>`;
  });
  return links
    .replaceAll('<button title="Copy Code" class="copy"></button>', '')
    .replace(/ src="([^":]+)"/g, (_all, path: string) => ` src="${BASE}${join(dirname(source), path).replace(/^docs\//, '')}"`);
}

const CITED = /\((S\d{1,2}a?(?:(?:, | and )S\d{1,2}a?)*)\)/g;
/** What a citation in it is not a link: headings, code, and what is a link already. */
const WHOLE = /<(h\d|code|pre|a)\b[^>]*>[^]*?<\/\1>/g;

/** Rules that are cited, such as "(S24)", as links to them. */
export function cited(html: string, { name }: Page): string {
  if (name === 'rules') return html;
  const kept = [...html.matchAll(WHOLE)].map(([all]) => all);
  return html
    .split(WHOLE)
    .filter((_, i) => i % 2 === 0) // between them stand the names of the tags
    .map((text) =>
      text.replace(CITED, (all) => all.replace(/S\d+a?/g, (rule) => `<a href="${BASE}rules.html#${rule.toLowerCase()}">${rule}</a>`)),
    )
    .map((text, i) => text + (kept[i] ?? ''))
    .join('');
}

/** Rows of tables that begin with an error's code are anchors by it, to which problems of REST lead. */
export function anchored(html: string): string {
  return html.replace(/<tr>(\s*<td><code>(THYME_\w+)<\/code>)/g, '<tr id="$2">$1');
}

/** As GitHub makes them of headings: lower case, without punctuation, hyphens for spaces. */
export function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

function documents(): readonly string[] {
  return readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
}

function pageOf(source: string): Page {
  const text = readFileSync(source, 'utf8');
  const [, heading = source] = /^# (.+)$/m.exec(text) ?? [];
  return { name: nameOf(source), source, title: heading.replaceAll('`', ''), text };
}

/** `docs/errors.md` is errors, `infra/clients/README.md` is infra-clients, and the tour is readme. */
function nameOf(source: string): string {
  if (source === 'docs/README.md') return 'index';
  const path = source.replace(/^docs\//, '').replace(/\.md$/, '');
  return path
    .replace(/\/README$/, '')
    .replaceAll('/', '-')
    .toLowerCase();
}

function linksOf(source: string): readonly string[] {
  const prose = readFileSync(source, 'utf8').replace(/^```[^]*?^```/gm, '');
  return [...prose.matchAll(LINK)].map(([, path = '']) => join(dirname(source), path));
}
