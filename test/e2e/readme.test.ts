// The README's module and its table of commands, run as they stand there.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { curlUntil, jsonOf, post } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

const README = readFileSync('README.md', 'utf8');
const TIME = '2026-01-01T12:00:00Z';
/** The snippet shows what one declares, not what one imports. */
const IMPORTS = `import { Avg, Count, dataset, feature, featureset, field, key, pipeline, source, t, timestamp, type Stream } from 'thyme';
import { files } from 'thyme/sources';
`;

/** What each row of "What you run" prints, in the table's order. */
const PRINTS: ReadonlyMap<string, RegExp> = new Map([
  ['plan', /\+ added {2}AirportDelay: [^]*Planned on revision 0/],
  ['commit', /^Committed 2 dataset\(s\), 1 pipeline\(s\), 1 featureset\(s\) as revision 1/],
  ['log', /^2 events sent to Flight/],
  ['query', /"flights_1h": 2/],
  ['query-offline', /^2 rows, 6 columns written to .*training\.parquet: commit 1/],
  ['lookup', /"flights_1h": 0[^]*"mode": "online"/],
  ['codegen', /^$/],
  ['inspect', /"kind": "dataset"[^]*"filled_by": "OriginStats\.departures"[^]*"flights_1h": \d/],
  ['logs', /"type": "commit",\n +"subject": "revision 1"/],
  ['runs', /"featureset": "AirportDelay"/],
  ['status', /"name": "AirportDelay"/],
  ['sources', /Flight/],
  ['erase', /^er_[0-9a-f]{24}$/m],
  ['keys', /^thyme_/],
  ['doctor', /^ok +version +both are \d[^]*^\w+ +disk +\d/m],
  ['init', /^Made package\.json, [^]*npm run dev/],
  ['completion', /complete .*thyme/],
  ['version', /^thyme \d+\.\d+\.\d+, node \d+/],
]);

describe('the README', function () {
  this.timeout(300_000);
  const processes = new Processes();
  const folder = processes.subfolder('work');
  const commands = [...README.matchAll(/^\| `npx thyme ([^`]+)` \|/gm)].map(([, command = '']) => command);
  let thyme: ThymeProcess;

  before(async () => {
    const [, module = ''] = /^## What you write\n+```ts\n([^]*?)```/m.exec(README) ?? [];
    const exported = module.replaceAll(/^(@\w+\([^\n]*\)\n)class /gm, '$1export class ');
    writeFileSync(join(folder, 'features.ts'), IMPORTS + exported.replace("path: '", `path: '${folder}/`));
    const flight = (minute: number): string => JSON.stringify({ origin: 'ATL', delay: 3, departed_at: `2026-01-01T11:${minute}:00Z` });
    mkdirSync(join(folder, 'flights'));
    writeFileSync(join(folder, 'flights', 'ord.csv'), 'origin,delay,departed_at\nORD,7,2026-01-01T11:30:00Z\n');
    writeFileSync(join(folder, 'flights.ndjson'), `${flight(10)}\n${flight(50)}\n`);
    writeFileSync(join(folder, 'pairs.csv'), `entity_id,timestamp\nATL,${TIME}\nATL,2026-01-01\n`);
    thyme = await processes.serve(processes.subfolder('data'));
  });
  after(() => processes.end());

  it('lists every command of the program', async () => {
    const { stdout, stderr } = await processes.run([]);
    const known = [...(stdout + stderr).matchAll(/^ {2}([\w-]+) {2}/gm)].map(([, name]) => name);
    expect(commands.map((command) => command.split(' ')[0]).sort()).to.deep.equal(known.sort());
  });

  for (const command of commands) {
    const [name = '', ...rest] = command.split(' ');
    it(`thyme ${command}`, async () => {
      const args = rest
        .map((word) => word.replaceAll(/[[\]]/g, '').replace('TIME', TIME))
        .map((word) => (/\.\w+$|^my-features$/.test(word) ? join(folder, word) : word));
      if (name === 'serve') return expect(thyme.isRunning).to.equal(true);
      if (name === 'dev') return devServes(args);
      const { code, stdout, stderr } = await processes.run([name, ...args], { env: { THYME_API_URL: thyme.restUrl } });
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(PRINTS.get(name) ?? /what it prints is to be said in this test/);
      if (name === 'log') await shown();
      return undefined;
    });
  }

  it('reads the files of its example by their source', async () => {
    const url = `${thyme.restUrl}/features?featureset=AirportDelay&entity_id=ORD&timestamp=2026-01-01T11:45:00Z`;
    const answer = await curlUntil(url, ({ text }) => text.includes('"mean_delay_1d":7'));
    expect(jsonOf(answer).features).to.include({ flights_1h: 1, mean_delay_1d: 7 });
  });

  async function devServes(args: readonly string[]): Promise<void> {
    const dev = await processes.dev(processes.subfolder('dev'), args[0] ?? '');
    await dev.prints(/^Committed .* as revision 1$/m);
    expect(await dev.stop()).to.equal(0);
  }

  /** What was logged is in answers from now on: the token is of a push behind it. */
  async function shown(): Promise<void> {
    const { token } = jsonOf(
      await post(`${thyme.restUrl}/api/v1/log`, { dataset: 'Flight', events: [{ origin: 'ORD', delay: 0, departed_at: TIME }] }),
    );
    // A first revision is served once its pipelines have read to the end (S18).
    await curlUntil(
      `${thyme.restUrl}/features?featureset=AirportDelay&entity_id=ATL&after=${String(token)}`,
      ({ status }) => status === 200,
    );
  }
});
