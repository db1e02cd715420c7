// README.md and ARCHITECTURE.md claim what is there: their links lead to files, and a guarantee's tests name its rules.
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { sourceFiles } from './tidy/source-files.js';

const README = readFileSync('README.md', 'utf8');
const LINK = /\]\((?!https?:)([^)#]+)\)/g;

/** The files that a text links to. */
function linksOf(text: string): readonly string[] {
  return [...text.matchAll(LINK)].map(([, path = '']) => path);
}

describe('what the documents claim', () => {
  for (const document of ['README.md', 'ARCHITECTURE.md', 'RELIABILITY.md']) {
    it(`${document} links to files that are there`, () => {
      expect(linksOf(readFileSync(document, 'utf8')).filter((path) => !existsSync(path))).to.deep.equal([]);
    });
  }

  it('a guarantee is proved by tests that name its rules', () => {
    const [, table = ''] = /^## Guarantees[^\n]*\n([^]*?)\n\n`npm/m.exec(README) ?? [];
    const rows = table.split('\n').filter((line) => line.startsWith('| ') && line.includes(']('));
    expect(rows.length).to.be.at.least(20);
    const unproved = rows.flatMap((row) => {
      const rules = /\(([A-Z]\d+[^)]*)\) \|/.exec(row)?.[1]?.split(', ') ?? [];
      const tests = linksOf(row).map((path) => readFileSync(path, 'utf8'));
      return rules.filter((rule) => !tests.some((text) => new RegExp(`\\b${rule}\\b`).test(text))).map((rule) => `${rule}: ${row}`);
    });
    expect(unproved).to.deep.equal([]);
  });

  it('an invariant has a name of its own', () => {
    const names = sourceFiles()
      .filter(({ path }) => /^(libs|services)\//.test(path))
      .flatMap(({ path, text }) => [...text.matchAll(/^\/\/ {3}([A-Z]+\d)\. /gm)].map(([, name = '']) => ({ name, path })));
    expect(names.length).to.be.at.least(30);
    const twice = names.filter(({ name }, index) => names.findIndex((other) => other.name === name) !== index);
    expect(twice).to.deep.equal([]);
  });
});
