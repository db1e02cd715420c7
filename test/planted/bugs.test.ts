import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { temporaryFolder } from '../support/temporary-folder.js';
import { PLANTED_BUGS } from './bugs.js';
import { PLANTED_CHANGE_BUGS } from './change-bugs.js';
import { PLANTED_KAFKA_BUGS } from './kafka-bugs.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url));
/** RELIABILITY 8 names seven; a list that shrinks below this has lost some. */
const BUGS_MIN = 20;
/** And so many of what only Kafka has. */
const KAFKA_BUGS_MIN = 8;

const ALL_BUGS = [...PLANTED_BUGS, ...PLANTED_CHANGE_BUGS, ...PLANTED_KAFKA_BUGS];

describe('the planted bugs', () => {
  it('can each be planted: their texts are there, once', () => {
    const stale = ALL_BUGS.flatMap(({ name, replacements }) =>
      replacements.flatMap(({ file, find, replace }) => {
        const times = readFileSync(join(ROOT, file), 'utf8').split(find).length - 1;
        return times === 1 && replace !== find
          ? []
          : [`${name}: ${file} has this ${times} times, change find and replace with it: ${find}`];
      }),
    );
    expect(stale).to.deep.equal([]);
  });

  it('name tests that are there, and have names of their own', async () => {
    const titles = await testTitles([...new Set(ALL_BUGS.map(({ suite }) => suite))]);
    const unknown = ALL_BUGS.filter(({ suite, noticedBy }) => !titles.get(suite)?.some((title) => title.includes(noticedBy)));
    expect(unknown.map(({ name, suite, noticedBy }) => `${name}: ${suite} has no test '${noticedBy}'`)).to.deep.equal([]);
    expect(new Set(ALL_BUGS.map(({ name }) => name)).size).to.equal(ALL_BUGS.length);
    expect(PLANTED_BUGS.length).to.be.at.least(BUGS_MIN);
    expect(PLANTED_KAFKA_BUGS.length).to.be.at.least(KAFKA_BUGS_MIN);
  });
});

/** The titles of the tests in each file, of which none is run. */
async function testTitles(files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const report = join(temporaryFolder(), 'titles.json');
  const options = ['--no-config', '--dry-run', '--reporter', 'json', '--reporter-option', `output=${report}`];
  await run(process.execPath, ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', ...options, ...files], { cwd: ROOT });
  const { tests } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly tests: readonly { readonly file: string; readonly title: string }[];
  };
  return new Map(files.map((file) => [file, tests.filter((test) => test.file === join(ROOT, file)).map(({ title }) => title)]));
}
