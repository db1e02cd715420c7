import { BASE, slugOf, type Page } from './page-set.js';

/**
 * A whole document. It has no script and no style within, so that the strictest policy holds for it; the one script that it names is the
 * search's, which shows its field once it runs.
 */
export function shell({ name, title, text }: Page, html: string, pages: readonly Page[]): string {
  const links = pages.map((page) => {
    const here = page.name === name ? ' aria-current="page"' : '';
    return `<li><a href="${BASE}${page.name}.html"${here}>${escaped(page.title)}</a>${page.name === name ? sections(text) : ''}</li>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · Thyme</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${BASE}style.css">
<script type="module" src="${BASE}search.js"></script>
</head>
<body>
<header>
<form id="search" role="search" hidden>
<input type="search" aria-label="Search the documentation" placeholder="Search: /" autocomplete="off" spellcheck="false" maxlength="200">
<div class="found"><p id="search-state" role="status"></p><ul id="found"></ul></div>
</form>
</header>
<nav aria-label="Pages"><ul>
${links.join('\n')}
</ul></nav>
<main>
${html}</main>
</body>
</html>
`;
}

function sections(text: string): string {
  const headings = [...text.replace(/^```[^]*?^```/gm, '').matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
  const links = headings.map((heading) => `<li><a href="#${slugOf(heading)}">${escaped(heading.replaceAll('`', ''))}</a></li>`);
  return links.length === 0 ? '' : `<ul>${links.join('')}</ul>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
