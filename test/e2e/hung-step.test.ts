// S23's last clause with a real process: an author's function that never returns, and what is left of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { jsonOf, post, request } from '../support/http.js';
import { Processes } from '../support/processes.js';

const MODULE = 'test/support/hanging-features.ts';
/** Far above what a step takes, also where the machine is busy. */
const ENV = { THYME_STEP_TIMEOUT_MS: '2000' };

describe('a step that does not return (S23)', function () {
  this.timeout(300_000);
  const processes = new Processes();
  after(() => processes.end());

  const features = async (url: string, dataset: string, after: string): Promise<unknown> =>
    jsonOf(await request(`${url}/features?entity_type=${dataset}&entity_id=w&after=${after}`)).features;

  it('ends the process, with the record written down, which is a dead letter after the restart; the others count', async () => {
    const dataDir = processes.subfolder('data');
    const first = await processes.serve(dataDir, [], { env: ENV });
    const { code, stderr } = await processes.run(['commit', MODULE], { env: { THYME_API_URL: first.restUrl } });
    expect(code, stderr).to.equal(0);
    const events = [1, 2, 13, 4].map((size, i) => ({ worker: 'w', size, at: `2026-01-01T00:00:0${i}Z` }));
    // The one thread may hang before it has sent the answer to what it has taken in.
    await Promise.all([post(`${first.restUrl}/api/v1/log`, { dataset: 'Job', events }).catch(() => undefined), first.ended]);
    expect(first.isRunning).to.equal(false);
    expect(first.stderr()).to.contain('a step did not return within 2000 ms');
    const hung = JSON.parse(readFileSync(join(dataDir, 'hung-steps.ndjson'), 'utf8')) as Record<string, unknown>;
    expect(hung).to.include({ name: 'WorkerJobs.costs', version: 1, partition: 0, offset: 2 });

    const second = await processes.serve(dataDir, [], { env: ENV });
    const { token } = jsonOf(
      await post(`${second.restUrl}/api/v1/log`, { dataset: 'Job', events: [{ worker: 'w', size: 5, at: '2026-01-01T00:00:09Z' }] }),
    );
    expect(await features(second.restUrl, 'WorkerJobs', String(token))).to.include({ jobs: 4, cost: 24 });
    expect(await features(second.restUrl, 'WorkerCounts', String(token)), 'a pipeline beside it').to.include({ jobs: 5 });
    const metrics = (await request(`${second.restUrl}/metrics`)).text;
    expect(metrics).to.match(/thyme_pipeline_records_total\{pipeline="WorkerJobs.costs v1",partition="0",outcome="failed"\} 1\n/);
    expect(await second.stop()).to.equal(0);
  });
});
