// Links between documents: each leads to a file that is there, and to a heading that it has; the index names every page.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { trackedFiles } from '../tidy/source-files.js';

const LINK = /\]\((?!https?:|mailto:)([^)\s]+)\)/g;

interface Link {
  readonly from: string;
  readonly path: string;
  readonly anchor: string | undefined;
}

describe('links between documents', () => {
  const documents = trackedFiles(['*.md']);
  const links = documents.flatMap(linksOf);

  it('lead to files that are there', () => {
    expect(documents).to.include.members(['README.md', 'docs/README.md', 'docs/errors.md']);
    expect(links.length).to.be.at.least(100);
    expect(links.filter(({ path }) => !existsSync(path)).map(({ from, path }) => `${from}: ${path}`)).to.deep.equal([]);
  });

  it('lead to headings that are there', () => {
    const anchored = links.filter(({ anchor, path }) => anchor !== undefined && path.endsWith('.md'));
    expect(anchored.length).to.be.at.least(30);
    const lost = anchored.filter(({ path, anchor = '' }) => !anchorsOf(path).has(anchor));
    expect(lost.map(({ from, path, anchor = '' }) => `${from}: ${path}#${anchor}`)).to.deep.equal([]);
  });

  it('lead from README to the index, and from there to every page', () => {
    expect(linksOf('README.md').map(({ path }) => path)).to.include('docs/README.md');
    const pages = documents.filter((path) => path.startsWith('docs/') && path !== 'docs/README.md');
    expect(linksOf('docs/README.md').map(({ path }) => path)).to.include.members(pages);
  });
});

/** What is shown as code leads nowhere. */
function proseOf(document: string): string {
  return readFileSync(document, 'utf8').replace(/^```[^]*?^```/gm, '');
}

function linksOf(from: string): readonly Link[] {
  return [...proseOf(from).matchAll(LINK)].map(([, target = '']) => {
    const [file = '', anchor] = target.split('#');
    return { from, path: file === '' ? from : join(dirname(from), file), anchor };
  });
}

/** As GitHub makes them of headings: lower case, without punctuation, hyphens for spaces. */
function anchorsOf(document: string): ReadonlySet<string> {
  const headings = [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
