// Query services that hold some of the partitions each, behind one gateway that routes by key.
import { expect } from 'chai';
import { awaitRecords, everyAnswer, EXAMPLE_MODULE, exampleRecords, pushRecords } from '../support/example-records.js';
import { startOwner } from '../support/deployment.js';
import { curl, curlUntil, jsonOf } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

const PARTITIONS = 3;
/** Enough that every partition has some; most of them were never seen. */
const USERS = Array.from({ length: 40 }, (_, i) => `user_${i}`);

describe('query services that hold some partitions each', function () {
  this.timeout(120_000);
  const processes = new Processes();
  const records = exampleRecords(Date.now() * 1_000 - 60_000_000);
  const queries: ThymeProcess[] = [];
  let url = '';
  let embedded = '';

  before(async () => {
    const owner = await startOwner(processes, 'holders', { THYME_PARTITIONS: String(PARTITIONS) });
    const hold = (name: string, partitions: string) =>
      processes.serve(processes.subfolder(name), ['--roles', 'query', '--owner', owner.grpcTarget, '--partitions', partitions]);
    queries.push(await hold('low', '0-1'), await hold('high', '1,2'));
    const targets = queries.map(({ grpcTarget }) => grpcTarget).join(',');
    url = (await processes.serve(processes.subfolder('gateway'), ['--roles', 'gateway', '--owner', owner.grpcTarget, '--query', targets]))
      .restUrl;
    embedded = (await processes.serve(processes.subfolder('embedded'), ['--partitions', String(PARTITIONS)])).restUrl;
    for (const restUrl of [url, embedded]) {
      expect((await processes.run(['commit', EXAMPLE_MODULE], { env: { THYME_API_URL: restUrl } })).code).to.equal(0);
      await awaitRecords(restUrl, await pushRecords(restUrl, records));
    }
  });

  after(() => processes.end());

  it('answer as one that holds all does: online, in batches, offline and by lookup', async () => {
    expect(await everyAnswer(url, records)).to.deep.equal(await everyAnswer(embedded, records));
  });

  it('answer batches at one instant, and an offline question without rows with its names alone', async () => {
    const asked = { featureset: 'AirportDelay', entity_ids: USERS };
    const { as_of: asOf } = jsonOf(await curl(`${url}/features/batch`, asked));
    const again = jsonOf(await curl(`${embedded}/features/batch`, { ...asked, timestamp: asOf }));
    expect(again['as_of']).to.equal(asOf);
    expect(jsonOf(await curl(`${url}/features/offline`, { featureset: 'AirportDelay', queries: [] }))).to.deep.equal(
      jsonOf(await curl(`${embedded}/features/offline`, { featureset: 'AirportDelay', queries: [] })),
    );
  });

  it('name what is wrong with a question as one that holds all does', async () => {
    for (const path of ['/features?featureset=Nothing&entity_id=x', '/features?featureset=RouteDelay&entity_id=x']) {
      const [routed, whole] = [await curl(url + path), await curl(embedded + path)];
      expect([routed.status, routed.text]).to.deep.equal([whole.status, whole.text]);
    }
  });

  it('list the entities of all partitions, in the same order', async () => {
    const listed = async (restUrl: string): Promise<readonly unknown[]> => {
      const entities: unknown[] = [];
      for (let cursor = ''; ;) {
        const page = jsonOf(
          await curl(`${restUrl}/features/entities?featureset=AirportDelay&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`),
        );
        entities.push(...(page['entities'] as readonly unknown[]));
        if (page['next_cursor'] === null) return entities;
        cursor = String(page['next_cursor']);
      }
    };
    const whole = await listed(embedded);
    expect(whole.length).to.be.greaterThan(2);
    expect(new Set(whole).size).to.equal(whole.length);
    expect(await listed(url)).to.deep.equal(whole);
    const beyond = Buffer.from('[3,0,0,null]').toString('base64url');
    for (const restUrl of [url, embedded])
      expect((await curl(`${restUrl}/features/entities?featureset=AirportDelay&cursor=${beyond}`)).text).to.match(
        /there are 3: begin without a cursor/,
      );
  });

  it('keep a training set of several requests as one run, where one of them has it', async () => {
    const queries = USERS.map((entity_id) => ({ entity_id, timestamp: new Date().toISOString() }));
    const ask = async (query_run_id?: string): Promise<string> => {
      const body = JSON.stringify({ featureset: 'AirportDelay', queries, query_run_id });
      const answer = await fetch(`${url}/features/offline`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      await answer.text();
      return answer.headers.get('x-query-run-id') ?? '';
    };
    const first = await ask();
    expect(await ask(first)).to.equal(first);
  });

  it('list the runs of all of them, newest first, page by page', async () => {
    const ids: unknown[] = [];
    for (let cursor = ''; ;) {
      const page = jsonOf(await curl(`${url}/query-runs?limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`)) as {
        readonly runs: readonly { readonly id: string }[];
        readonly next_cursor: string | null;
      };
      ids.push(...page.runs.map(({ id }) => id));
      cursor = page.next_cursor ?? '';
      if (cursor === '') break;
    }
    expect(ids.length).to.be.greaterThan(7);
    expect(ids).to.deep.equal([...new Set(ids)].sort().reverse());
  });

  it('go on for what another one holds when one is gone, and say which partition nobody holds', async () => {
    const status = (user: string) => curl(`${url}/features?entity_type=UserOrderStats&entity_id=${user}`);
    await queries[0]?.kill();
    const answers = await Promise.all(USERS.map(status));
    const counts = new Map<number, number>();
    for (const answer of answers) counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
    expect([...counts.keys()].sort()).to.deep.equal([200, 503]);
    const refused = answers.find((answer) => answer.status === 503);
    expect(refused?.text).to.match(/no query service that answers holds partition 0|did not|unavailable/i);
    await curlUntil(`${url}/health`, ({ status: code }) => code === 200);
  });
});
