import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { ManualClock, systemClock } from '../../libs/time/clock.js';
import { AuditStore } from '../../services/program/audit-store.js';
import { runsKey } from '../../services/query/query-run-keys.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import type { QueryRun } from '../../services/query/query-run.js';
import { type Disk, diskFull, overDisk } from '../support/failing-store.js';
import { temporaryFolder } from '../support/temporary-folder.js';

function run(id: string): QueryRun {
  return {
    id,
    kind: 'online',
    featureset: 'Signals',
    entities: [['u1']],
    createdUs: 1,
    latencyMs: 1,
    rowCount: 1,
    hitCount: 1,
  } as unknown as QueryRun; // as much as a record needs
}

async function world(folder: string, open?: (folder: string) => Promise<Store>) {
  const clock = new ManualClock(1_700_000_000_000_000);
  const logged: string[] = [];
  const logger = createLogger({ level: 'warn', clock: systemClock, write: (line) => void logged.push(line) });
  const audit = new AuditStore({
    folder,
    clock,
    logger,
    events: new EventRing(clock),
    random: () => 0,
    ...(open === undefined ? {} : { open }),
  });
  const stores = { current: await audit.open() };
  const renew = async (store: Store, cause: unknown) => {
    const renewed = await audit.renew(store, cause);
    if (renewed !== undefined) stores.current = renewed;
    return renewed;
  };
  const runs = await QueryRuns.open({ store: stores.current, renew, randomBytes });
  const record = async (): Promise<string> => {
    const id = runs.newId(clock.nowUs());
    runs.record({ entityCount: 1, toRun: () => run(id) });
    await runs.stop(); // waits for what was recorded so far
    return id;
  };
  return { clock, logged, runs, record, stores };
}

describe('the record of queries', () => {
  it('goes on without a restart when a disk that was full has room again, and tries that at growing pauses', async () => {
    const disk: Disk = { failures: 0, isFull: false };
    const inner = new MemoryStore();
    let opened = 0;
    const { clock, runs, record } = await world('unused', async () => {
      opened++;
      if (disk.isFull) throw diskFull();
      return overDisk(inner, disk);
    });
    const first = await record();
    disk.failures = 1;
    disk.isFull = true;
    await record(); // fails, and so does the opening
    for (let i = 0; i < 5; i++) await record(); // too early to try again
    expect(opened).to.equal(2);
    clock.advance(300);
    await record();
    clock.advance(300); // the second pause is longer
    await record();
    expect(opened).to.equal(3);
    disk.isFull = false;
    clock.advance(300);
    await record(); // lost as well; but now it is open
    const after = await record();
    expect((await runs.list({})).runs.map(({ id }) => id)).to.deep.equal([after, first]);
    expect(runs.counters).to.deep.equal({ recorded: 2, dropped: 0, failed: 9 });
  });

  it('begins anew, and says so, where what is read of it is damaged', async () => {
    const folder = join(temporaryFolder(), 'query-runs');
    const before = await world(folder);
    const id = await before.record();
    await before.stores.current.close();
    const store = await openLevelStore(folder);
    const batch = store.batch();
    batch.put(runsKey(id), Buffer.from('[{"id": broken'));
    await batch.write({ sync: true });
    await store.close();

    const { runs, logged, record, stores } = await world(folder);
    expect((await runs.list({})).runs).to.deep.equal([]);
    expect(existsSync(`${folder}.damaged`)).to.equal(true);
    expect(logged.join('\n')).to.contain('there is no second copy of them');
    const after = await record();
    expect((await runs.list({})).runs.map((each) => each.id)).to.deep.equal([after]);
    await stores.current.close();
  });
});
