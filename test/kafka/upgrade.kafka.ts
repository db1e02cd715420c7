// A dataset's version raised on Kafka, and the process killed while its records are carried over (S19a): exactly once, in each
// partition's own transactions.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { temporaryFolder } from '../support/temporary-folder.js';
import { jsonOf, post, request } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { eventually, uniqueName, useKafka } from './kafka-fixture.js';

const PARTITIONS = 3;
const USERS = 6;
const RECORDS = 3_000;
/** Slow enough for the carry-over to be killed in its middle, more than once. */
const BACKFILL_PER_S = 300;
const KILLS = 3;

const module = (
  version: number,
  upgrade: string,
): string => `import { Count, Sum, dataset, field, key, pipeline, t, timestamp } from 'thyme';
@dataset({ version: ${version}${upgrade} }) export class D { @key(t.string) k!: string; @field(t.int) x!: number; @timestamp() at!: Date; }
@dataset({ version: 1, index: true }) export class A {
  @key(t.string) k!: string; @field(t.int) n!: number; @field(t.int) s!: number; @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [D] }) static p(rows) { return rows.groupBy('k').aggregate({ n: Count(), s: Sum({ of: 'x' }) }); }
}`;

describe('an upgraded dataset on Kafka (S19a)', function () {
  this.timeout(240_000);
  const kafka = useKafka();
  const processes = new Processes();
  const deployment = uniqueName();
  after(() => processes.end());

  it('is carried over exactly once, to the partitions of its new keys, whatever was killed', async () => {
    const folder = temporaryFolder();
    let thyme = await serve();
    const commit = async (text: string): Promise<void> => {
      const file = join(folder, 'features.ts');
      writeFileSync(file, text);
      const { code, stderr } = await processes.run(['commit', file], {
        env: { THYME_API_URL: thyme.restUrl, THYME_API_KEY: thyme.adminKey },
      });
      expect(code, stderr).to.equal(0);
    };
    await commit(module(1, ''));
    for (let from = 0; from < RECORDS; from += 1_000) await push(thyme, from, 1_000);
    await commit(module(2, ", upgrade: (old) => ({ ...old, k: 'v' + old.k, x: old.x + 1 })"));
    await push(thyme, 10_000, 10);
    for (let kill = 0; kill < KILLS; kill++) {
      await thyme.kill();
      thyme = await serve();
    }
    const expected = Array.from({ length: USERS }, (_, user) => {
      const carried = Array.from({ length: RECORDS }, (_, i) => i).filter((i) => i % USERS === user);
      return { n: carried.length, s: carried.reduce((sum, x) => sum + x + 1, 0) };
    });
    let given: unknown;
    await eventually(
      async () => {
        given = await Promise.all(Array.from({ length: USERS }, (_, user) => answerOf(thyme, `vu${user}`)));
        return JSON.stringify(given) === JSON.stringify(expected);
      },
      `the records to be there: ${JSON.stringify(given)}`,
    );
    expect(await answerOf(thyme, 'u0'), 'what was pushed to the new version').to.deep.include({ n: 2 });
  });

  function serve(): Promise<ThymeProcess> {
    return processes.serve(processes.subfolder('all'), ['--partitions', String(PARTITIONS)], {
      env: {
        THYME_DEPLOYMENT: deployment,
        THYME_KAFKA_BROKERS: kafka().brokers.join(','),
        THYME_BACKFILL_RECORDS_PER_S: String(BACKFILL_PER_S),
      },
    });
  }
});

async function push({ restUrl }: ThymeProcess, from: number, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({ k: `u${(from + i) % USERS}`, x: from + i, at: '2026-11-01T00:00:00Z' }));
  expect(jsonOf(await post(`${restUrl}/api/v1/log`, { dataset: 'D', events })).events_sent).to.equal(count);
}

async function answerOf({ restUrl }: ThymeProcess, k: string): Promise<{ readonly n: unknown; readonly s: unknown }> {
  const { text } = await request(`${restUrl}/features?entity_type=A&entity_id=${k}`);
  const { features } = JSON.parse(text) as { readonly features?: { readonly n?: unknown; readonly s?: unknown } };
  return { n: features?.n, s: features?.s };
}
