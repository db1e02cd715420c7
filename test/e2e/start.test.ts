import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ExampleStart } from '../support/example-start.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const run = promisify(execFile);
const START_DEADLINE_MS = 120_000;

/** The books close, and expectations are counted and shown. */
async function checkBooks(url: string): Promise<void> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const flights = (outcome: string): number =>
    Number(
      new RegExp(`thyme_pipeline_records_total\\{pipeline="OriginStats.departures v1",partition="0",outcome="${outcome}"\\} (\\d+)`).exec(
        metrics,
      )?.[1],
    );
  expect(flights('read')).to.equal(200_000);
  expect(flights('applied')).to.equal(200_000);
  expect(metrics).to.match(/thyme_expectations_total\{dataset="Order",expectation="amount between 0.01 and 50000",outcome="held"\} [1-9]/);
  const status = (await (await fetch(`${url}/api/v1/status`)).json()) as {
    readonly intakes: readonly {
      readonly dataset: string;
      readonly accepted: number;
      readonly expectations: readonly { readonly holds: boolean }[];
    }[];
  };
  const orders = status.intakes.find(({ dataset }) => dataset === 'Order');
  expect(orders?.accepted).to.be.above(0);
  expect(orders?.expectations.map(({ holds }) => holds)).to.deep.equal([true]);
}

/** Nobody listens there any more. */
async function expectSilence(url: string): Promise<void> {
  const answer = await fetch(`${url}/health`).then(
    ({ status }) => status,
    () => 'none',
  );
  expect(answer).to.equal('none');
}

describe('npm start', () => {
  it('replays real data and prints queries that work when pasted', async function () {
    this.timeout(2 * START_DEADLINE_MS);
    const env = { THYME_DATA_DIR: join(temporaryFolder(), 'data') };
    const start = new ExampleStart(['npm', 'start'], env);
    try {
      await start.greeted();
      const { text } = start;
      expect(text).to.match(/^200000 flights are in Flight$/m);
      const commands = text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => /^(THYME_API_URL|npx|curl)/.test(line));
      expect(commands).to.have.length(8);
      for (const command of commands) {
        const { stdout } = await run('bash', ['-c', command]);
        if (command.includes('query-offline')) {
          const rows = stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as { readonly features: Record<string, unknown> });
          expect(rows.length).to.be.above(1);
          for (const { features } of rows) expect(features, stdout).to.have.property('is_suspicious');
          continue;
        }
        const answer = JSON.parse(stdout) as { readonly features: Record<string, unknown>; readonly mode: string };
        expect(answer.mode, command).to.equal(/--at|timestamp=/.test(command) ? 'point_in_time' : 'online');
        if (command.includes('AirportDelay')) expect(answer.features.flights_1d, command).to.be.within(500, 1_000);
      }
      const url = /rest=(\S+)/.exec(text)?.[1] ?? '';
      await checkBooks(url);

      // The signal goes to npm alone, as from a supervisor; npm ends when the server has.
      expect(await start.signal('SIGTERM'), start.text).to.equal(0);
      await expectSilence(url);
    } finally {
      await start.end();
    }
  });

  it('npx thyme serve ends with the SIGTERM that npx was sent', async function () {
    this.timeout(2 * START_DEADLINE_MS);
    const start = new ExampleStart(['npx', 'thyme', 'serve'], { THYME_DATA_DIR: join(temporaryFolder(), 'data') });
    try {
      await start.ready();
      const { url } = start;
      await start.signal('SIGTERM'); // resolves when its streams are closed, which the server has as well
      await expectSilence(url);
      expect(start.text).to.not.match(/error/i);
    } finally {
      await start.end();
    }
  });
});
