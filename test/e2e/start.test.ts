import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { temporaryFolder } from '../support/temporary-folder.js';

const run = promisify(execFile);
const START_DEADLINE_MS = 120_000;

/** Standard output up to the line that ends the greeting; the process goes on. */
async function greeting(child: ChildProcess): Promise<string> {
  let text = '';
  const signal = AbortSignal.timeout(START_DEADLINE_MS);
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  while (!text.includes('Ctrl-C')) {
    if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}:\n${text}`);
    await Promise.race([once(child.stdout ?? child, 'data', { signal }), once(child, 'exit', { signal })]);
  }
  return text;
}

/** The books close, and expectations are counted and shown. */
async function checkBooks(url: string): Promise<void> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const flights = (outcome: string): number => Number(new RegExp(`thyme_pipeline_records_total\\{pipeline="OriginStats.departures v1",partition="0",outcome="${outcome}"\\} (\\d+)`).exec(metrics)?.[1]);
  expect(flights('read')).to.equal(200_000);
  expect(flights('applied')).to.equal(200_000);
  expect(metrics).to.match(/thyme_expectations_total\{dataset="Order",expectation="amount between 0.01 and 50000",outcome="held"\} [1-9]/);
  const status = (await (await fetch(`${url}/api/v1/status`)).json()) as { readonly intakes: readonly { readonly dataset: string; readonly accepted: number; readonly expectations: readonly { readonly holds: boolean }[] }[] };
  const orders = status.intakes.find(({ dataset }) => dataset === 'Order');
  expect(orders?.accepted).to.be.above(0);
  expect(orders?.expectations.map(({ holds }) => holds)).to.deep.equal([true]);
}

describe('npm start', () => {
  it('replays real data and prints queries that work when pasted', async function () {
    this.timeout(2 * START_DEADLINE_MS);
    const env = { ...process.env, THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', THYME_DATA_DIR: join(temporaryFolder(), 'data') };
    const child = spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const ended = once(child, 'exit');
    try {
      const text = await greeting(child);
      expect(text).to.match(/200000 events sent to Flight/);
      const commands = text.split('\n').map((line) => line.trim()).filter((line) => /^(THYME_API_URL|npx|curl)/.test(line));
      expect(commands).to.have.length(7);
      for (const command of commands) {
        const { stdout } = await run('bash', ['-c', command], { env });
        const answer = JSON.parse(stdout) as { readonly features: Record<string, unknown>; readonly mode: string };
        expect(answer.mode, command).to.equal(/--at|timestamp=/.test(command) ? 'point_in_time' : 'online');
        if (command.includes('AirportDelay')) expect(answer.features.flights_1d, command).to.be.within(500, 1_000);
      }
      const url = /rest=(\S+)/.exec(text)?.[1] ?? '';
      await checkBooks(url);
    } finally {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
      await ended;
    }
  });
});
