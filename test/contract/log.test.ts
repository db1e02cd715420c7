import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { LevelLogOptions } from '../../libs/log/level/level-log.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { logContract } from './log-contract.js';
import type { OpenedLog } from './opened-log.js';

logContract('MemoryLog', async () => {
  const log = new MemoryLog();
  return { log, close: () => log.close() };
});

logContract('LevelLog', openOnDisk);

// With no room for a tail every read goes to the store; with little, some do.
logContract('LevelLog without a tail, on a MemoryStore', () => openInMemory({ tailBytesMax: 0 }));
logContract('LevelLog with a short tail, on a MemoryStore', () => openInMemory({ tailBytesMax: 1_000 }));

async function openOnDisk(): Promise<OpenedLog> {
  const folder = temporaryFolder();
  let store = await openLevelStore(folder);
  let log = await openLevelLog(store);
  const close = async (): Promise<void> => {
    await log.close();
    await store.close();
  };
  return {
    log,
    close,
    reopen: async () => {
      await close();
      store = await openLevelStore(folder);
      return (log = await openLevelLog(store));
    },
  };
}

async function openInMemory(options: LevelLogOptions): Promise<OpenedLog> {
  const store = new MemoryStore();
  let log = await openLevelLog(store, options);
  return {
    log,
    close: () => log.close(),
    reopen: async () => {
      await log.close();
      return (log = await openLevelLog(store, options));
    },
  };
}
