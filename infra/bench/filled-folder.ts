import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { say } from './bench-report.js';
import type { OrdersOptions } from './orders.js';

/** Orders of the fraud example in the log of this folder, applied by an owner and a replica that have ended again. */
export async function fillFolder(dataDir: string, options: OrdersOptions): Promise<void> {
  const file = fileURLToPath(new URL(`./fill-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  const child = fork(file, [dataDir, JSON.stringify(options)], { execArgv: process.execArgv.filter((flag) => !flag.startsWith('--cpu-prof')) });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the process that fills the folder ended with ${String(code)}`);
  say(`${options.events} orders of ${options.entities} users are applied`);
}
