// The page about operating: it names each metric, and it and README each variable, that the sources know, and no other.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { sourceFiles } from '../tidy/source-files.js';

/** A code stands where an error is made or asked for; any other name of the kind is a variable. */
const ASKED_CODE = /(?:code (?:===|!==) |new \w*Error\([^'`;]*(?:'(?:stop|retry)'[^'`;]*){0,2}|return )'THYME_\w+'/g;
const VARIABLE = /(?:'(THYME_[A-Z0-9_]*[A-Z0-9])'|process\.env\.(THYME_\w+))/g;
const METRIC = /'(thyme_[a-z_]*[a-z])'/g;

describe('the page about operating', () => {
  const sources = sourceFiles().filter(({ path }) => /^(libs|services|infra\/examples)\//.test(path));
  const page = readFileSync('docs/operating.md', 'utf8');
  const tableNames = (text: string, prefix: string): readonly string[] =>
    [...text.matchAll(/^\| (`[^|]+`) \|/gm)]
      .flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
      .filter((name) => name.startsWith(prefix));

  it('names, with README, each variable that is read', () => {
    const read = new Set(
      sources.flatMap(({ text }) => [...text.replace(ASKED_CODE, '').matchAll(VARIABLE)].map(([, quoted, bare]) => quoted ?? bare ?? '')),
    );
    const told = [...tableNames(readFileSync('README.md', 'utf8'), 'THYME_'), ...tableNames(page, 'THYME_'), 'THYME_WEB_URL'];
    expect(read.size).to.be.at.least(40);
    expect([...told].sort()).to.deep.equal([...read].sort());
  });

  it('names each metric once, with the unit that its name ends with', () => {
    const made = sources
      .filter(({ path }) => path.startsWith('services/program/') || /^libs\/(rpc|rest)\//.test(path))
      .flatMap(({ text }) => [...text.matchAll(METRIC)].map(([, name = '']) => name));
    const timings = sources.find(({ path }) => path === 'services/program/timings.ts')?.text ?? '';
    const roles = [...timings.matchAll(/timingMetrics\(metrics, [^,]+, '(\w+)'\)/g)].map(([, role = '']) => role);
    expect(timings).to.include('name: `thyme_recent_${role}_seconds`');
    const expected = [...made, ...roles.map((role) => `thyme_recent_${role}_seconds`)];
    expect(expected.length).to.be.at.least(20);
    expect([...tableNames(page, 'thyme_')].sort()).to.deep.equal(expected.sort());
    const units = [...page.matchAll(/^\| `thyme_\w+_(seconds|bytes|rows)` \| \w+ \| (\w+) \|/gm)];
    expect(units.filter(([, suffix, unit]) => suffix !== unit).map(([line]) => line)).to.deep.equal([]);
    expect(units.length).to.be.at.least(7);
  });
});
