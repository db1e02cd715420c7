// The code base tests itself. What may import what stands in tidy/layers.ts.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { COMPOSITIONS, ENTRY_POINTS, GENERATED_FOR, GROUPS, HOMES, PURE_BUT } from './tidy/layers.js';
import { importCycles, packageOf, sourceFiles, trackedFiles, type SourceFile } from './tidy/source-files.js';

const LINES_MAX = 400;
const COLUMNS_MAX = 140;

/** `libs/time` for `libs/time/clock.ts`, `services/query` alike, and `gen` for what is generated. */
function folderOf(path: string): string {
  const depth = path.startsWith('libs/') || path.startsWith('services/') ? 2 : 1;
  return path.split('/').slice(0, depth).join('/');
}

function groupOf(folder: string): number {
  return GROUPS.findIndex(({ folders }) => folders.includes(folder.slice('libs/'.length)));
}

/** Why a folder may not import another; undefined where it may. */
function objection(from: string, to: string): string | undefined {
  if (from === to || !/^(libs|services)\//.test(from)) return undefined;
  if (to.startsWith('services/')) return COMPOSITIONS.includes(from) ? undefined : 'services are imported by their composition alone';
  if (!to.startsWith('libs/')) return to === 'gen' && mayReadGenerated(from) ? undefined : 'it is none of its libraries';
  if (from.startsWith('services/')) return undefined;
  const [group, other] = [groupOf(from), groupOf(to)];
  if (group < 0 || other < 0) return `${group < 0 ? from : to} stands in no group of tidy/layers.ts`;
  if (other > group) return `${GROUPS[other]?.name ?? ''} lies above ${GROUPS[group]?.name ?? ''}`;
  const folders = GROUPS[group]?.folders ?? [];
  const isBefore = folders.indexOf(to.slice('libs/'.length)) < folders.indexOf(from.slice('libs/'.length));
  return other < group || isBefore ? undefined : `${to} stands behind it in its group`;
}

function mayReadGenerated(folder: string): boolean {
  return folder.startsWith('services/') || GENERATED_FOR.includes(GROUPS[groupOf(folder)]?.name ?? '');
}

describe('tidy', () => {
  const files = sourceFiles();
  const production = files.filter(({ path }) => /^(libs|services)\//.test(path));
  const eachImport = (take: (file: SourceFile, name: string) => string | undefined): readonly string[] =>
    production.flatMap((file) => file.imports.flatMap((name) => take(file, name) ?? []));

  it('imports point down only, and services never import each other', () => {
    const wrong = production.flatMap(({ path, reads }) =>
      reads.flatMap((target) => {
        const why = objection(folderOf(path), folderOf(target));
        return why === undefined ? [] : [`${path} imports ${target}: ${why}`];
      }),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('no files need each other', () => {
    expect(importCycles(files)).to.deep.equal([]);
  });

  it('each third-party library is imported where tidy/layers.ts says', () => {
    const wrong = eachImport(({ path }, name) => {
      const library = packageOf(name);
      if (library === undefined || HOMES.get(library)?.some((home) => path.startsWith(home)) === true) return undefined;
      return `${path} imports ${library}`;
    });
    expect(wrong).to.deep.equal([]);
  });

  it('the domain has no I/O, and nothing but libs/time, the program and its commands has a clock', () => {
    const impure = eachImport(({ path }, name) => {
      const isPure = GROUPS[groupOf(folderOf(path))]?.name === 'domain';
      const allowed = ['node:assert', 'node:assert/strict', ...(PURE_BUT.get(path) ?? [])];
      return !isPure || !name.startsWith('node:') || allowed.includes(name) ? undefined : `${path} imports ${name}`;
    });
    const timed = production.filter(
      ({ path, text }) =>
        !/^(libs\/(time|cli)|services\/program)\//.test(path) &&
        /(?<!\.)\b(Date\.now|setTimeout|setInterval|Math\.random)\(/.test(codeOf(text)),
    );
    expect([...impure, ...timed.map(({ path }) => path)]).to.deep.equal([]);
  });

  it('every file has a reader: another file imports or names it, or it is a test', () => {
    const read = new Set(files.flatMap(({ path, reads }) => reads.filter((target) => target !== path)));
    const others = ['*.json', '*.yaml', '*.md', '*Dockerfile', '.ci/*', '*.js', '*.ts'];
    const texts = trackedFiles(others).map((path) => ({ path, text: readFileSync(path, 'utf8') }));
    const isNamed = (path: string): boolean => {
      // Processes are started by the file's name, or by that of what it is compiled to.
      const name = new RegExp(`[/'" ]${path.replace(/^.*\//, '').replace(/\.[jt]s$/, '')}(\\.[jt]s\\b|['$])`);
      return texts.some((other) => other.path !== path && name.test(other.text));
    };
    const unread = files.filter(
      ({ path }) =>
        !read.has(path) &&
        !/\.(test|kafka|attack|console|package|peer)\.ts$|^test\/types\//.test(path) &&
        !ENTRY_POINTS.includes(path) &&
        !isNamed(path),
    );
    expect(unread.map(({ path }) => path)).to.deep.equal([]);
  });

  it(`no file is longer than ${LINES_MAX} lines`, () => {
    expect(files.filter(({ text }) => text.split('\n').length > LINES_MAX).map(({ path }) => path)).to.deep.equal([]);
  });

  it(`no comment is wider than ${COLUMNS_MAX} columns`, () => {
    const wide = files.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, i) => (line.length > COLUMNS_MAX && /^\s*(\/\/|\*|\/\*)/.test(line) ? [`${path}:${i + 1}`] : [])),
    );
    expect(wide).to.deep.equal([]);
  });

  it('no index.ts, no utils, no console, no untracked TODO, no any', () => {
    const wrong = files.filter(({ path }) => /(^|\/)(index|utils?)\.ts$/.test(path)).map(({ path }) => path);
    for (const { path, text } of production) {
      if (/\bconsole\.\w+\(|\/\/ *TODO\b/.test(text)) wrong.push(`${path}: console or TODO`);
      if (!path.startsWith('libs/definition/') && /(:|<|as) any\b/.test(codeOf(text))) wrong.push(`${path}: any`);
    }
    expect(wrong).to.deep.equal([]);
  });

  it('the lock file keeps no addresses', () => {
    expect(readFileSync('package-lock.json', 'utf8')).to.not.contain('"resolved"');
  });
});

function codeOf(text: string): string {
  return text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
}
