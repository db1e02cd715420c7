// The page about errors: it has each code that the sources can give, with its statuses, and no other.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { readCall } from '../../libs/cli/command-line.js';
import { connectors } from '../../libs/definition/connectors.js';
import { ThymeError, type StatusName } from '../../libs/errors/errors.js';
import { toProblem } from '../../libs/rest/problem.js';
import { COMMANDS } from '../../services/program/commands.js';
import { sourceFiles } from '../tidy/source-files.js';

/**
 * `new ThymeError('THYME_X', 'STATUS', …)`, and `new SourceError(disposition, 'THYME_SOURCE_X', …)`, whose disposition may call
 * something.
 */
const MADE = /new (Thyme|Source)Error\(\s*(?:((?:[^,()]|\([^()]*\))*),\s*)?'(THYME_\w+)'(?:,\s*'([A-Z_]+)')?/g;
/** Codes that REST alone gives: `problem(422, 'urn:thyme:error:THYME_X', …)`. */
const REST_ONLY = /problem\((\d+), 'urn:thyme:error:(THYME_\w+)'/g;
/** Where a code is made: its first argument, or its second behind a disposition. */
const CODE_ARGUMENT = /new \w*Error\([^'`]*(?:'(?:stop|retry)'[^'`]*){0,2}'THYME_\w+'/g;

const ROW = /^\| `(THYME_\w+)` \| ([^|]+) \|([^|\n]*)\|([^|\n]*)\|$/gm;
/** Any word of the kind in a source: a code, a variable, or what several of them begin with. */
const WORD = /\bTHYME_[A-Z0-9_]*[A-Z0-9]/g;

describe('the page about errors', () => {
  const sources = sourceFiles().filter(({ path }) => /^(libs|services)\//.test(path));
  const page = readFileSync('docs/errors.md', 'utf8');
  const rows = [...page.matchAll(ROW)].map(([, code = '', statuses = '']) => [code, statuses.split(', ').sort().join(', ')] as const);

  it('has each code once, with the statuses that the sources give it', () => {
    const made = new Map<string, Set<string>>();
    const add = (code: string, status: string): unknown => made.set(code, (made.get(code) ?? new Set()).add(status));
    for (const { text } of sources) {
      for (const [, kind, disposition = '', code = '', status = ''] of text.matchAll(MADE)) {
        if (kind === 'Thyme') add(code, described(status));
        if (disposition.includes("'retry'")) add(code, described('UNAVAILABLE'));
        if (disposition.includes("'stop'")) add(code, described('FAILED_PRECONDITION'));
      }
      for (const [, status = '', code = ''] of text.matchAll(REST_ONLY)) add(code, `REST only ${status}`);
    }
    expect(made.size).to.be.at.least(100);
    const expected = [...made].map(([code, statuses]) => [code, [...statuses].sort().join(', ')]);
    expect(Object.fromEntries(rows)).to.deep.equal(Object.fromEntries(expected.map(([code = '', text]) => [code, text])));
    expect(rows).to.have.lengthOf(made.size);
  });

  it('is made from a pattern that misses no error', () => {
    const missed = sources.flatMap(({ path, text }) => {
      const [found, read] = [text.match(CODE_ARGUMENT) ?? [], [...text.matchAll(MADE)]];
      return found.length === read.length ? [] : [`${path}: ${found.length} errors, of which ${read.length} are understood`];
    });
    expect(missed).to.deep.equal([]);
  });

  it('leaves no word of the sources that is neither a code nor a variable that is told', () => {
    const told = ['README.md', 'docs/operating.md'].flatMap((file) => readFileSync(file, 'utf8').match(WORD) ?? []);
    const known = [...told, ...rows.map(([code]) => code)];
    const isParameter = (word: string): boolean => [...connectors.keys()].some((name) => word.startsWith(`THYME_${name.toUpperCase()}_`));
    const words = new Set(sources.flatMap(({ text }) => text.match(WORD) ?? []));
    const isKnown = (word: string): boolean => isParameter(word) || known.some((one) => one === word || one.startsWith(`${word}_`));
    expect(words.size).to.be.at.least(190);
    expect([...words].filter((word) => !isKnown(word))).to.deep.equal([]);
  });

  it('says of each what it means and what to do, by commands and variables that there are', async () => {
    const cells = [...page.matchAll(ROW)].map(([, code = '', , meaning = '', fix = '']) => ({
      code,
      meaning: meaning.trim(),
      fix: fix.trim(),
    }));
    expect(cells.filter(({ meaning, fix }) => meaning.length < 15 || fix === '')).to.deep.equal([]);
    const calls = cells.flatMap(({ code, fix }) =>
      [...fix.matchAll(/`(?:npx )?thyme ([^`]+)`/g)].map(([, call = '']) => ({ code, words: call.split(' ') })),
    );
    expect(calls.length).to.be.at.least(5);
    for (const {
      code,
      words: [name, ...words],
    } of calls) {
      const entry = COMMANDS.find((command) => command.name === name) ?? expect.fail(`${code}: no command is called ${String(name)}`);
      expect(readCall(await entry.load(), words), code).to.have.property('call');
    }
    const flags = cells.flatMap(({ fix }) => [...fix.matchAll(/`--([a-z-]+)/g)].map(([, flag = '']) => flag));
    const known = (await Promise.all(COMMANDS.map((entry) => entry.load()))).flatMap((command) => Object.keys(command.flags));
    expect(flags.filter((flag) => !known.includes(flag))).to.deep.equal([]);
  });
});

/** As the page writes it: `NOT_FOUND` 404. */
function described(status: string): string {
  const error = new ThymeError('THYME_X', status as StatusName, ''); // a status in the sources is one to tsc
  return `\`${status}\` ${toProblem(error).status}`;
}
