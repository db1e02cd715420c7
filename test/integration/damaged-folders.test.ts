// Whatever has broken a folder of stored state: what has a second copy is built anew and answers as before, what has none begins
// anew and says so, and the log stops the start with a sentence that says what to do.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { BASES_KEY, TIMELINE_TAG } from '../../libs/change/state-keys.js';
import { commitFile } from '../../libs/cli/commit-command.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { ENTRY_ROWS } from '../../libs/timeline/layout.js';
import { PageKind } from '../../libs/timeline/page-header.js';
import { BREAKAGES, flipByte } from '../support/broken-files.js';
import { type EmbeddedPlatform, startEmbeddedPlatform } from '../support/embedded-platform.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const USERS = 5;
const FLIPS = 6;

async function push({ client }: EmbeddedPlatform): Promise<string> {
  const events = Array.from({ length: 400 }, (_, i) => ({
    user_id: i % USERS,
    item: `item ${i}`,
    price: i,
    quantity: 1,
    paid_at: new Date(1_767_000_000_000 + i * 1_000).toISOString(),
  }));
  const { body } = await client.post('/api/v1/log', { dataset: 'Purchase', events });
  return (body as { readonly token: string }).token;
}

async function answersOf({ client }: EmbeddedPlatform, after: string): Promise<unknown[]> {
  const asked = Array.from({ length: USERS }, (_, user) =>
    client.post('/features', { featureset: 'Buyer', entity_id: user, timestamp: '2025-12-29T10:00:00Z', after }),
  );
  return (await Promise.all(asked)).map(({ body }) => (body as { readonly features: unknown }).features);
}

/** Folders of a platform that was stopped; each store has a table and a log. */
interface Stopped {
  readonly dataDir: string;
  readonly token: string;
  readonly answers: readonly unknown[];
}

async function stopped(dataDir: string): Promise<Stopped> {
  let platform = await startEmbeddedPlatform({ dataDir });
  await commitFile('test/support/shop-features.ts', platform.context);
  await answersOf(platform, await push(platform));
  await platform.stop();
  platform = await startEmbeddedPlatform({ dataDir }); // what was in LevelDB's logs is a table now
  const token = await push(platform);
  const answers = await answersOf(platform, token);
  await platform.stop();
  return { dataDir, token, answers };
}

function storesIn(dataDir: string): { readonly owner: string; readonly replica: string; readonly runs: string; readonly log: string } {
  const replica = join(dataDir, 'replica', 'p0');
  return {
    owner: join(dataDir, 'store', 'p0'),
    replica: join(replica, readFileSync(join(replica, 'current'), 'utf8')),
    runs: join(dataDir, 'query-runs'),
    log: join(dataDir, 'log'),
  };
}

describe('a start over broken folders', function () {
  this.timeout(120_000);
  const base = mkdtempSync(join(tmpdir(), 'thyme-broken-'));
  let whole: Stopped;

  before(async () => {
    whole = await stopped(join(base, 'data'));
  });
  after(() => rmSync(base, { recursive: true, force: true }));

  function copy(): string {
    const dataDir = join(temporaryFolder(), 'data');
    cpSync(whole.dataDir, dataDir, { recursive: true });
    return dataDir;
  }

  /** Starts, and demands the answers that there were; gives what was logged. */
  async function expectAnswers(dataDir: string): Promise<readonly string[]> {
    const logged: string[] = [];
    const platform = await startEmbeddedPlatform({ dataDir, log: (line) => logged.push(line) });
    try {
      expect(await answersOf(platform, whole.token)).to.deep.equal(whole.answers);
      const { body } = await platform.client.get('/query-runs?limit=1');
      expect(body).to.have.property('runs');
    } finally {
      await platform.stop();
    }
    return logged.map((line) => (JSON.parse(line) as { readonly message: string }).message);
  }

  for (const { name, apply } of BREAKAGES) {
    it(`builds the state, the replica and the record of queries anew where of each ${name} (S13, R3)`, async () => {
      const dataDir = copy();
      const { owner, replica, runs } = storesIn(dataDir);
      for (const folder of [owner, replica, runs]) apply(folder);
      const logged = await expectAnswers(dataDir);
      expect(logged).to.include('a damaged store was set aside and is built anew');
      expect(logged).to.include(
        'the query runs are damaged, and there is no second copy of them: they are set aside, and the record begins anew',
      );
      expect(existsSync(`${owner}.damaged`)).to.equal(true);
      expect(existsSync(`${runs}.damaged`)).to.equal(true);
      expect(await expectAnswers(dataDir), 'it is built once').to.deep.equal([]);
    });

    it(`stops, and says what to do, where of the log ${name}`, async () => {
      const dataDir = copy();
      apply(storesIn(dataDir).log);
      const error: unknown = await startEmbeddedPlatform({ dataDir }).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(ThymeError).and.to.include({ code: 'THYME_LOG_CORRUPT', disposition: 'stop' });
      expect(String(error)).to.contain("put back the folder 'log' from a backup");
    });
  }

  it("builds the replica anew where what names its store is garbage, and where a file lies in the folder's place", async () => {
    for (const breakIt of [
      (folder: string) => writeFileSync(join(folder, 'current'), '../../store/p0'),
      (folder: string) => {
        rmSync(join(folder, 'current'));
        mkdirSync(join(folder, 'current'));
      },
      (folder: string) => {
        rmSync(folder, { recursive: true });
        writeFileSync(folder, 'no folder');
      },
    ]) {
      const dataDir = copy();
      breakIt(join(dataDir, 'replica', 'p0'));
      await expectAnswers(dataDir);
    }
  });

  it('answers right wherever a byte has flipped in the tables and logs of the state and of its replica', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), async (pick, at) => {
        const dataDir = copy();
        const { owner, replica } = storesIn(dataDir);
        for (const folder of [owner, replica]) {
          const files = readdirSync(folder).filter((file) => !/^LO(CK|G)/.test(file));
          flipByte(join(folder, files[pick % files.length] ?? ''), at);
        }
        await expectAnswers(dataDir);
      }),
      { numRuns: FLIPS },
    );
  });

  it('builds anew what a release trimmed that miscounted what it had trimmed (S20)', async () => {
    const dataDir = join(temporaryFolder(), 'data');
    const features = 'test/support/history-features.ts';
    let platform = await startEmbeddedPlatform({ dataDir });
    await commitFile(features, platform.context);
    const day = 86_400_000;
    let token = '';
    for (const days of [25, 26, 24]) {
      const at = new Date(Date.now() - days * day).toISOString();
      const { body } = await platform.client.post('/api/v1/log', { dataset: 'Event', events: [{ k: 1, x: 1, at }] });
      token = (body as { readonly token: string }).token;
      await counted(platform, token);
    }
    expect(await counted(platform, token)).to.deep.equal({ n: 3, s: 3 });
    await platform.stop();
    const { owner, replica } = storesIn(dataDir);
    for (const folder of [owner, replica]) await miscount(folder);

    const logged: string[] = [];
    platform = await startEmbeddedPlatform({ dataDir, log: (line) => logged.push(line) });
    expect(await counted(platform, token)).to.deep.equal({ n: 3, s: 3 });
    expect(logged.join('\n')).to.contain('trimmed by a release that miscounted');
    await platform.stop();
  });
});

async function counted({ client }: EmbeddedPlatform, after: string): Promise<{ readonly n: unknown; readonly s: unknown }> {
  const { body } = await client.post('/features', { featureset: 'Totals', entity_id: 1, after });
  const { features } = body as { readonly features: { readonly n: unknown; readonly s: unknown } };
  return { n: features.n, s: features.s };
}

/** As the release before wrote it: without the mark, and with counts in its bases that are not those of what was trimmed. */
async function miscount(folder: string): Promise<void> {
  const store = await openLevelStore(folder);
  const batch = store.batch();
  batch.delete(BASES_KEY);
  let bases = 0;
  for await (const [key, value] of store.entries({})) {
    if (key[0] !== TIMELINE_TAG || value[1] !== PageKind.base) continue;
    const page = Buffer.from(value);
    page.writeDoubleLE(77, 16 + 8 * ENTRY_ROWS);
    batch.put(key, page);
    bases++;
  }
  expect(bases).to.be.at.least(1);
  await batch.write({ sync: true });
  await store.close();
}
