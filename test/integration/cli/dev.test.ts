import { rename, unlink, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { watchModule } from '../../../libs/cli/watch-module.js';
import { systemClock } from '../../../libs/time/clock.js';
import { committer } from '../../../services/program/dev-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { Processes } from '../../support/processes.js';
import { cli, CliFiles, countModule } from './cli-run.js';

const DEADLINE_MS = 60_000;

describe('thyme dev', function () {
  this.timeout(4 * DEADLINE_MS);
  const files = new CliFiles();
  const processes = new Processes();
  let platform: EmbeddedPlatform | undefined;

  after(async () => {
    files.end();
    await platform?.stop();
    await processes.end();
  });

  /** A first revision is served once its pipelines have read to the end (S18). */
  async function serves(url: string): Promise<void> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    while ((await cli(url, 'query', 'PageFeatures', '-e', 'a')).code !== 0) deadline.throwIfAborted();
  }

  it('commits again on each save of the module or of what it imports, says what is wrong, and goes on', async () => {
    platform = await startEmbeddedPlatform();
    const { printed, context, url } = platform;
    const part = files.write('part.ts', countModule());
    const file = files.write('whole.ts', "export * from './part.js';\n");
    const stopping = new AbortController();
    const commit = committer(file, context);
    let changes = 0;
    const onChange = async (): Promise<void> => {
      await commit();
      changes++;
    };
    const changed = async (times: number): Promise<void> => {
      const deadline = AbortSignal.timeout(DEADLINE_MS);
      while (changes < times) await systemClock.sleep(5, deadline).then(() => deadline.throwIfAborted());
    };
    const watching = watchModule({ file, clock: systemClock, signal: stopping.signal, onChange });
    await changed(1);
    expect(printed.splice(0)).to.deep.equal(['Committed 2 dataset(s), 1 pipeline(s), 1 featureset(s) as revision 1']);

    await writeFile(part, countModule().replace('Count({', 'Cuont({'));
    await changed(2);
    expect(printed.splice(0).join('\n'))
      .to.match(/part\.ts:\d+|Cuont/)
      .and.match(/whole\.ts was not committed: mend it and save$/);

    // As editors save: a new file in the place of the old one. It ends in the middle of a class.
    await writeFile(`${part}~`, countModule().slice(0, 300));
    await rename(`${part}~`, part);
    await changed(3);
    expect(printed.splice(0).join('\n')).to.match(/part\.ts:\d+:\d+: /);

    await unlink(part);
    await changed(4);
    expect(printed.splice(0).join('\n')).to.match(/part\.js/);

    await writeFile(part, countModule({ window: '2h' }));
    await changed(5);
    expect(printed.splice(0).join('\n'), 'a breaking change (S19)').to.match(/Pages\.clicks: .*version/);

    await writeFile(part, countModule({ window: '2h', version: 2 }));
    await changed(6);
    expect(printed.splice(0)).to.deep.equal(['Committed 2 dataset(s), 1 pipeline(s), 1 featureset(s) as revision 2']);

    await writeFile(part, countModule({ window: '2h', version: 2 }));
    await changed(7);
    expect(printed.splice(0), 'saved as it was').to.deep.equal([]);
    await serves(url);
    stopping.abort();
    await watching;
  });

  it('is a process that serves, says so, and ends on SIGTERM', async () => {
    const file = files.write('features.ts', countModule());
    const dev = await processes.dev(processes.subfolder('dev'), file);
    await dev.prints(/^Committed .* as revision 1$/m);
    await serves(dev.restUrl);
    await writeFile(file, 'export class {');
    await dev.prints(/features\.ts:1:\d+: [^]*was not committed/);
    await serves(dev.restUrl);
    expect(await dev.stop()).to.equal(0);
    const wrong = await processes.run(['dev']);
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr).to.match(/name the module[^]*thyme dev FEATURES\.ts/);
  });
});
