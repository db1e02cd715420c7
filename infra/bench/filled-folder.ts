import { once } from 'node:events';
import { forkBench } from './bench-child.js';
import { say } from './bench-report.js';
import type { OrdersOptions } from './orders.js';

/** Orders of the fraud example in the log of this folder, applied by an owner and a replica that have ended again. */
export async function fillFolder(dataDir: string, options: OrdersOptions): Promise<void> {
  const child = forkBench('fill-process', [dataDir, JSON.stringify(options)]);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the process that fills the folder ended with ${String(code)}`);
  say(`${options.events} orders of ${options.entities} users are applied`);
}
