// The page about the first feature of a table of Postgres: its commands, run as they stand there.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { componentOrSkip } from '../support/component.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

const DEADLINE_MS = 120_000;
const PAGE = readFileSync('docs/postgres-in-five-minutes.md', 'utf8');
const LAUNCHER = ['services/program/launch.js', 'dist/services/program/thyme.js']
  .map((path) => resolve(path))
  .find((path) => existsSync(path));

describe('the page about Postgres', function () {
  this.timeout(3 * DEADLINE_MS);
  const processes = new Processes();
  const folder = processes.subfolder('work');
  const blocks = [...PAGE.matchAll(/```(sh|ts)\n([^]*?)```/g)].map(([, language, text = '']) => ({ language, text }));
  let postgres: Postgres | undefined;
  let thyme: ThymeProcess;

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    postgres = await startPostgres();
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    thyme = await processes.serve(processes.subfolder('data'), [], {
      env: { SHOP_PASSWORD: 'a-secret', THYME_POSTGRES_HOST: '127.0.0.1', THYME_POSTGRES_PORT: String(postgres.port) },
    });
  });

  after(async () => {
    await processes.end();
    await postgres?.stop();
  });

  it('tells how the platform is started', () => {
    expect(PAGE).to.contain('    SHOP_PASSWORD=a-secret npx thyme serve\n');
  });

  it('leads from a table to a feature that counts what comes', async () => {
    const answers: string[] = [];
    for (const { language, text } of blocks) {
      if (language === 'ts') writeFileSync(join(folder, 'features.ts'), text);
      else if (/thyme query .*user_7\n/.test(text))
        answers.push(await until(text, answers.length === 0 ? /"orders_1d": 20\b/ : /"orders_1d": 21\b/));
      else answers.push(...(text.includes('--at') ? [await bash(text)] : (await bash(text), [])));
    }
    const [first = '', twoHoursAgo = '', last = ''] = answers;
    expect(first).to.match(/Committed 2 dataset\(s\)/);
    expect(first).to.match(/reached[^]*columns/);
    // Of each user's 20 orders, 50 minutes apart, those of the last two hours had not come then.
    expect(twoHoursAgo).to.match(/"orders_1d": 1[78]\b/);
    expect(last).to.match(/"spent_1d": 1000\d{3}/);
  });

  /** The block again and again, as a person would, until its last command prints that. */
  async function until(block: string, wanted: RegExp): Promise<string> {
    const first = await bash(block);
    const again = block.trim().split('\n').at(-1) ?? '';
    let text = first;
    for (const deadline = Date.now() + DEADLINE_MS; !wanted.test(text); text = await bash(again)) {
      if (Date.now() > deadline) throw new Error(`it never printed ${String(wanted)}: ${text}`);
    }
    return first + text;
  }

  /**
   * `npx` is this checkout's own program: what npx would start after an installation. Without one the module's imports have no types,
   * so they are not checked.
   */
  function bash(text: string): Promise<string> {
    const npx = `npx() { shift; if [ "$1" = commit ]; then set -- "$@" --no-typecheck; fi; node ${LAUNCHER ?? ''} "$@"; }`;
    const script = `set -e\n${npx}\n${text}`;
    const env = {
      ...process.env,
      PATH: `${postgresPrograms() ?? ''}:${process.env['PATH'] ?? ''}`,
      PGHOST: '127.0.0.1',
      PGPORT: String(postgres?.port),
      PGUSER: 'thyme',
      THYME_API_URL: thyme.restUrl,
      THYME_API_KEY: thyme.adminKey,
    };
    return new Promise((done, fail) =>
      execFile('bash', ['-c', script], { cwd: folder, env, timeout: DEADLINE_MS }, (error, stdout, stderr) => {
        if (error === null) done(stdout);
        else fail(new Error(`${text} failed: ${stdout}${stderr}`, { cause: error }));
      }),
    );
  }
});
