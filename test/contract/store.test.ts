import { MemoryStore } from '../../libs/store/memory-store.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { storeContract } from './store-contract.js';

storeContract('MemoryStore', async () => ({ store: new MemoryStore() }));

storeContract('LevelStore', async () => {
  const folder = temporaryFolder();
  let store = await openLevelStore(folder);
  return {
    store,
    reopen: async () => {
      await store.close();
      return (store = await openLevelStore(folder));
    },
  };
});
