// What commands print: tables for people, JSON for programs, and nothing to a pipe that nobody reads.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { answerLines } from '../../../libs/cli/answer-tables.js';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { eventually } from '../../support/eventually.js';
import { cliOn, CliFiles, countModule, type CliResult } from './cli-run.js';

const TIME = '2026-01-01T00:00:00Z';
/** From source, also where this file was compiled. */
const LAUNCHER = resolve('services/program/thyme.ts');

describe('what commands print', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const seen = (...args: readonly string[]): Promise<CliResult> => cliOn({ isPerson: true }, target(), ...args);
  const piped = (...args: readonly string[]): Promise<CliResult> => cliOn({ isPerson: false }, target(), ...args);
  const target = () => ({ url: platform.url, adminKey: platform.adminKey });

  before(async () => {
    platform = await startEmbeddedPlatform();
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  it('is a table on a terminal, and JSON for programs', async () => {
    expect((await seen('status')).out).to.equal('Nothing is committed: `thyme commit features.ts` does');
    await commitFile(files.write('features.ts', countModule()), platform.context);
    const rows = files.write('clicks.ndjson', `{"page":"p","ms":1,"at":"${TIME}"}\n{"page":"q","ms":1}\n`);
    const logged = await piped('log', 'Click', '-i', rows, '--historical', '--json');
    expect(JSON.parse(logged.out)).to.include({ dataset: 'Click', sent: 1, refused: 1, late: 0, duplicate: 0 });
    const { token } = JSON.parse(logged.out) as { readonly token: string };
    const isServed = async (): Promise<boolean> => (await piped('query', 'PageFeatures', '-e', 'p', '--after', token)).code === 0;
    await eventually(isServed, 'the revision is served'); // S18

    const asked = ['query', 'PageFeatures', '-e', 'p', '--at', TIME] as const;
    expect((await seen(...asked)).out).to.equal(`FEATURE  VALUE\npage     p\nclicks   1\n\nas of ${TIME}`);
    for (const { out } of [await piped(...asked), await seen(...asked, '--json')])
      expect((JSON.parse(out) as { readonly features: unknown }).features).to.deep.equal({ page: 'p', clicks: 1 });
    expect((await seen(...asked, '-e', 'other')).out).to.equal('entity_id  page   clicks\np          p      1\nother      other  0');
    expect((await seen('lookup', 'Pages', '-e', 'p', '--at', TIME)).out).to.match(/^FIELD +VALUE\n(?:.+\n)*clicks +1\n/);
    expect(answerLines({ features: null, as_of: TIME }, ['FIELD', 'VALUE'])).to.deep.equal(['no row', '', `as of ${TIME}`]);
    const { out } = await seen('status');
    expect(out)
      .to.match(/^revision 1, committed \S+\n\nDATASET +VERSION +KEY\nClick +1 +page\nPages +1 +page\n/)
      .and.match(/^Pages\.count +1 +caught up +1 +1 +0 +0$/m)
      .and.match(/\n\nFEATURESET +KEY +FEATURES\nPageFeatures +page +2$/);
  });

  it('is a table of keys, or all that is known of them', async () => {
    const made = JSON.parse((await seen('keys', 'create', 'web', '--scopes', 'read', '--json')).out) as { readonly key: string };
    expect(made.key).to.match(/^thyme_/);
    expect((await seen('keys', 'list')).out).to.match(/^NAME +KEY +SCOPES +CREATED +STATE\nweb +\S+ +read +20\S+ +-$/);
    expect(JSON.parse((await seen('keys', 'revoke', 'web', '--json')).out)).to.include({ name: 'web' });
    expect((await seen('keys', 'list')).out).to.match(/ revoked 20\S+$/);
  });

  it('ends without a word where nobody reads on', async () => {
    const pairs = files.write('pairs.csv', `page,timestamp\n${`p,${TIME}\n`.repeat(20_000)}`);
    const command = `"${process.execPath}" --import tsx "${LAUNCHER}" query-offline PageFeatures -i "${pairs}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], { env: { ...process.env, THYME_API_URL: platform.url } });
    expect(stdout).to.match(/^\{"entity_id":[^\n]*\n0\n$/);
    expect(stderr).to.equal('');
  });
});
