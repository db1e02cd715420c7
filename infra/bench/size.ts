// size: bytes on disk for an event, and memory with 1 M users.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../libs/time/clock.js';
import { report } from './bench-report.js';
import { fillLog, openFolderLog, openFraudLog, withFolder } from './fraud-owner.js';
import type { OrdersOptions } from './orders.js';
import { openAsker } from './query-in-process.js';

const { values } = parseArgs({
  options: { events: { type: 'string', default: '2000000' }, entities: { type: 'string', default: '1000000' } },
});
const options: OrdersOptions = {
  events: Number(values.events),
  entities: Number(values.entities),
  endUs: Math.floor(systemClock.nowUs()),
  spanUs: 30 * 86_400e6,
  skew: 'uniform',
  lateShare: 0.02,
};

await withFolder(async (dataDir) => {
  const opened = await openFraudLog(await openFolderLog(dataDir));
  await fillLog(opened, options);
  await opened.close();
  const asker = await openAsker(dataDir, options.events);
  const rss = process.memoryUsage.rss();
  await asker.close();
  const [log, store, replica] = await Promise.all(['log', 'store', 'replica'].map((part) => bytesOf(join(dataDir, part))));
  const perEvent = (bytes = 0): number => bytes / options.events;
  report('size', [
    {
      name: 'bytes_per_event',
      value: perEvent(log) + perEvent(store),
      note: `log, changelog and the owner's state; ${options.events} orders of ${options.entities} users, as LevelDB left them`,
    },
    { name: 'log_bytes_per_event', value: perEvent(log), note: 'dataset topic and changelog' },
    { name: 'store_bytes_per_event', value: perEvent(store) },
    { name: 'replica_bytes_per_event', value: perEvent(replica) },
    { name: 'rss_mb', value: rss / 2 ** 20, note: 'owner and replica in one process, after everything was applied' },
  ]);
});

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await bytesOf(path) : (await stat(path)).size;
  }
  return bytes;
}
