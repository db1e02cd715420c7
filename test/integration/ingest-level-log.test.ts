import { expect } from 'chai';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log } from '../../libs/log/log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { ManualClock } from '../../libs/time/clock.js';
import { Ingest } from '../../services/ingest/ingest.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { failure, ORDER, PARTITIONS, proposalOf, startRegistry } from './registry-fixture.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';

describe('ingest and registry on a log on disk', () => {
  it('have after a restart what they had acknowledged (S13), and follow definitions as they are committed', async () => {
    const folder = temporaryFolder();
    let store = await openLevelStore(folder);
    let log = await openLevelLog(store);
    let registry = await startRegistry(log);
    const orders = (user_id: string) => ({
      dataset: 'Order',
      historical: false,
      body: { kind: 'parsed' as const, records: [{ user_id, amount: 1, ordered_at: 1_769_860_000 }] },
    });
    let ingest = ingestOn(log, registry);
    expect((await failure(ingest.push(orders('early')))).status).to.equal('NOT_FOUND');
    await registry.commit(await proposalOf(ORDER));
    await Promise.all(Array.from({ length: 20 }, (_, i) => ingest.push(orders(`user-${i}`))));
    await registry.stop();
    await log.close();
    await store.close();

    store = await openLevelStore(folder);
    log = await openLevelLog(store);
    registry = await startRegistry(log);
    ingest = ingestOn(log, registry);
    await ingest.push(orders('late'));
    const { fields } = registry.history.latest()?.definitions.datasets[0] ?? { fields: [] };
    const codec = compileRecordCodec(fields);
    const users: unknown[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { records } = await log.read({ topic: 'd.Order.v1', partition }, 0, { recordsMax: 100, bytesMax: 1e6 });
      users.push(...records.map((record) => codec.decode(record.value).row[0]));
    }
    expect(users.sort()).to.deep.equal([...Array.from({ length: 20 }, (_, i) => `user-${i}`), 'late'].sort());
    await registry.stop();
    await log.close();
    await store.close();
  });

  it('reject a push whose records did not become durable, and count none of it', async () => {
    const store = await openLevelStore(temporaryFolder());
    const log = await openLevelLog(store);
    const registry = await startRegistry(log);
    await registry.commit(await proposalOf(ORDER));
    const ingest = ingestOn(failing(log), registry);
    const push = ingest.push({
      dataset: 'Order',
      historical: false,
      body: { kind: 'parsed', records: [{ user_id: 'u', amount: 1, ordered_at: 1 }, {}] },
    });
    expect(
      await push.then(
        () => 'acknowledged',
        (error: unknown) => (error as Error).message,
      ),
    ).to.equal('the disk is gone');
    expect(ingest.counts()).to.deep.equal([{ dataset: 'Order', accepted: 0, refused: 0, ignoredFields: 0 }]);
    await registry.stop();
    await log.close();
    await store.close();
  });
});

function ingestOn(log: Log, registry: Awaited<ReturnType<typeof startRegistry>>): Ingest {
  return new Ingest({
    deployment: 'd',
    log,
    revisions: registry.history,
    clock: new ManualClock(1_769_860_800_000_000),
    tokenKey: TEST_TOKEN_KEY,
    keysRequired: false,
    hasRoom: () => true,
  });
}

function failing(log: Log): Log {
  return new Proxy(log, {
    get: (target, name) =>
      name === 'append'
        ? () => Promise.reject(new Error('the disk is gone'))
        : (Reflect.get(target, name) as (...given: unknown[]) => unknown).bind(target),
  });
}
