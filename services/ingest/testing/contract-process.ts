// An ingest process that has nothing but one source, over the embedded log in a folder: the contract suite kills it. It says by
// messages how many rows it has published.
import { openLevelLog } from '../../../libs/log/level/level-log.js';
import { openLevelStore } from '../../../libs/store/level-store.js';
import { systemClock } from '../../../libs/time/clock.js';
import { startContractSources, type ContractSource } from './contract-sources.js';

const STATUS_EVERY_MS = 20;

const [folder = '', declared = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit()); // the suite has ended before it
const log = await openLevelLog(await openLevelStore(folder));
const sources = await startContractSources(log, JSON.parse(declared) as ContractSource); // of contract-child.ts
for (const never = new AbortController().signal; ;) {
  const [status] = sources.list();
  process.send?.({ rows: status?.rows ?? 0, cause: status !== undefined && 'cause' in status.phase ? status.phase.cause : '' });
  await systemClock.sleep(STATUS_EVERY_MS, never);
}
