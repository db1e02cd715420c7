// Fills a data folder with orders and has them applied: in a process of its own, so that what this leaves in memory is not
// measured as the server's. Its arguments are the folder and the orders' options as JSON.
import { fillLog, openFolderLog, openFraudLog } from './fraud-owner.js';
import type { OrdersOptions } from './orders.js';
import { openAsker } from './query-in-process.js';

const [dataDir = '', json = ''] = process.argv.slice(2);
const options = JSON.parse(json) as OrdersOptions; // its parent's
process.once('disconnect', () => process.exit(1)); // the bench is gone
const opened = await openFraudLog(await openFolderLog(dataDir));
await fillLog(opened, options);
await opened.close();
await (await openAsker(dataDir, options.events)).close();
process.disconnect();
process.exit(0);
