// Clients that `thyme codegen` writes, checked by their languages' own tools and run against a platform.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { codegen } from '../../../libs/cli/codegen-command.js';
import { entryOf, type Terminal } from '../../../libs/cli/command.js';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { runCommand } from '../../../libs/cli/run-command.js';
import { componentOrSkip } from '../../support/component.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { run } from '../../support/http.js';
import { CLIENT_TOOLS, hasPython } from '../../support/python.js';

const TYPESCRIPT_SCENARIO = `import { ThymeClient, RestError } from 'thyme/client';
import { Decimal } from 'thyme';
import { Answer, Date as Dates, DepotLoad, DepotParcels, Parcel, ParcelFeatures, Slot, SlotSeats } from './thyme-features.js';

const [url = '', apiKey = ''] = process.argv.slice(2);
const thyme = new ThymeClient({ apiUrl: url, apiKey });
const at = new Date('2026-01-04T00:00:00Z');
const parcel = { depot: 'TS', number: 1, weight: 2, fragile: true, price: new Decimal('12.5'), label: Uint8Array.of(1), due: '2026-02-28',
  way: 'air' as const, stops: ['a'], place: { x: 1, y: null }, picked_at: null, note: null, sent_at: at };
const { token = '' } = await thyme.log(Parcel, [parcel]);
const told: unknown[] = [];
told.push((await thyme.lookup(Parcel, { depot: 'TS', number: 1 }, { after: token })).row?.price.toString());
told.push((await thyme.lookup(DepotParcels, 'TS', { after: token })).row.parcels);
const { features } = await thyme.query(ParcelFeatures, { depot: 'TS', number: 1 }, { after: token });
const stops: string[] = features.stops;
told.push(stops, features.place?.y);
const { rows } = await thyme.queryBatch(DepotLoad, ['TS'], { after: token, inputs: { asked_at: at, budget: null } });
told.push(rows[0]?.hours);
for await (const row of thyme.queryOffline(SlotSeats, [{ entity: { slot: at }, timestamp: at }])) told.push(row.features.seats);
const leg = { from: 1, notes: [null], at: null };
const inner = { price: new Decimal('1'), when: null, raw: Uint8Array.of() };
const hard = { kind: "it's" as const, day: '2026-01-01', is: true, slot: at, class: 1, str: '', float: null, legs: [leg], DateDeep: { inner }, __x: null, datetime: at };
const { token: after = '' } = await thyme.log(Dates, [hard]);
const key = { kind: "it's" as const, day: '2026-01-01', is: true, slot: at };
told.push((await thyme.query(Answer, key, { after, inputs: { lambda: ['y'], leg, seal: null } })).features.said);
try { await thyme.log(Slot, [{ slot: at, seats: 1, at: new Date(Date.now() + 86_400_000) }]); } catch (error) { told.push(error instanceof RestError && error.status); }
console.log(JSON.stringify(told));
export async function refused() {
  // @ts-expect-error: its inputs are missing
  await thyme.query(DepotLoad, 'TS');
  // @ts-expect-error: an input of another type
  await thyme.query(DepotLoad, 'TS', { inputs: { asked_at: 5, budget: null } });
  // @ts-expect-error: no row may be there
  (await thyme.lookup(Parcel, { depot: 'TS', number: 1 })).row.price;
  // @ts-expect-error: no value of the enum
  await thyme.log(Parcel, [{ ...parcel, way: 'sea' }]);
}
`;

describe('thyme codegen', function () {
  this.timeout(240_000);
  const folder = mkdtempSync(join(tmpdir(), 'thyme-codegen-'));
  let platform: EmbeddedPlatform;

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 2, keysRequired: true });
  });
  after(async () => {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function generate(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const [out, err]: [string[], string[]] = [[], []];
    const terminal: Terminal = { out: (line) => void out.push(line), err: (line) => void err.push(line), progress: () => undefined };
    const code = await runCommand(
      [entryOf(codegen)],
      ['codegen', ...args],
      { THYME_API_URL: platform.url, THYME_API_KEY: platform.adminKey },
      terminal,
    );
    return { code, out: out.join('\n'), err: err.join('\n') };
  }

  it('says what is missing: a language, and a commit', async () => {
    expect(await generate('java')).to.deep.include({ code: 2, out: '' });
    const early = await generate('python');
    expect(early).to.deep.include({ code: 1, out: '' });
    expect(early.err).to.match(/nothing is committed yet/);
    await commitFile('test/support/codegen-features.ts', platform.context);
  });

  it('writes the same again, and says from which commit', async () => {
    for (const [language, file] of [
      ['ts', 'thyme-features.ts'],
      ['python', 'thyme_features.py'],
    ] as const) {
      const path = join(folder, file);
      const { code, out, err } = await generate(language, '-o', path);
      expect([code, out], err).to.deep.equal([0, '']);
      expect(err).to.match(/: 4 featureset\(s\) and 4 dataset\(s\) of revision 1$/);
      const text = readFileSync(path, 'utf8');
      expect(text).to.match(/^(#|\/\/) Made by `thyme codegen \w+` from revision 1 \(2/);
      expect(`${(await generate(language)).out}\n`).to.equal(text);
    }
    const unwritable = await generate('ts', '-o', join(folder, 'gone', 'x.ts'));
    expect([unwritable.code, unwritable.err.includes('cannot be written')]).to.deep.equal([1, true]);
  });

  it('writes TypeScript that a strict compiler takes, and that runs', async () => {
    writeFileSync(join(folder, 'scenario.ts'), TYPESCRIPT_SCENARIO);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const paths = { thyme: [resolve('libs/definition/thyme.ts')], 'thyme/client': [resolve('libs/client/thyme-client.ts')] };
    const options = {
      noEmit: true,
      typeRoots: [resolve('node_modules/@types')],
      noUnusedLocals: false,
      allowImportingTsExtensions: false,
      paths,
    };
    const config = { extends: resolve('tsconfig.json'), compilerOptions: options, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', folder]);
    const tsx = [resolve('node_modules/tsx/dist/cli.mjs'), '--tsconfig', join(folder, 'tsconfig.json'), join(folder, 'scenario.ts')];
    const told = await run(process.execPath, [...tsx, platform.url, platform.adminKey]);
    expect(JSON.parse(told)).to.deep.equal(['12.5', 1, ['a'], null, 0.1, 0, 'y 1   ', 422]);
  });

  it('writes Python that stands alone, and that runs', async function () {
    componentOrSkip(this, hasPython(), 'Python 3.9 or newer');
    await run('python3', ['-m', 'py_compile', join(folder, 'thyme_features.py')]);
    writeFileSync(join(folder, 'scenario.py'), readFileSync('test/integration/codegen/scenario.py'));
    expect(await run('python3', [join(folder, 'scenario.py'), platform.url, platform.adminKey])).to.equal('done\n');
  });

  it('writes Python whose types a strict checker takes, for Python 3.9', async function () {
    componentOrSkip(this, existsSync(join(CLIENT_TOOLS, 'mypy')), 'mypy');
    writeFileSync(join(folder, 'scenario.py'), readFileSync('test/integration/codegen/scenario.py'));
    const options = ['--strict', '--python-version', '3.9', '--cache-dir', join(folder, '.mypy'), '--no-error-summary'];
    expect(await run(join(CLIENT_TOOLS, 'mypy'), [...options, join(folder, 'scenario.py')])).to.equal('');
  });
});
