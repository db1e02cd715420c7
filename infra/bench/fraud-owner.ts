import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDefinitions } from '../../libs/definition/check.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule } from '../../libs/definition/load-module.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log } from '../../libs/log/log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { systemClock } from '../../libs/time/clock.js';
import { Ingest } from '../../services/ingest/ingest.js';
import { Registry } from '../../services/registry/registry.js';
import { eventOf, orders, type OrdersOptions } from './orders.js';

export const DEPLOYMENT = 'thyme';
/** The source in any case: compiled, this file lies in a folder of its own (dist). */
export const FRAUD_MODULE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './fraud-features.ts' : '../../../infra/bench/fraud-features.ts', import.meta.url),
);
const LOG_WRITE_BUFFER_BYTES = 32 * 1024 * 1024;
const PUSH_EVENTS = 5_000;

/** A folder that is gone when the work is done. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'thyme-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A log, and what it takes to end it. */
export interface OpenLog {
  readonly log: Log;
  close(): Promise<void>;
}

/** Nobody else asks for this log's tokens, and nobody's producers are apart. */
export const DOOR = { tokenKey: () => new Uint8Array(32), keysRequired: false };

/** Log, registry and ingest as the owner role has them, with the fraud example committed. */
export interface FraudLog extends OpenLog {
  readonly deployment: string;
  readonly registry: Registry;
  readonly ingest: Ingest;
}

/** The embedded log of a data folder. */
export async function openFolderLog(dataDir: string): Promise<OpenLog> {
  const store = await openLevelStore(join(dataDir, 'log'), { writeBufferSize: LOG_WRITE_BUFFER_BYTES });
  const log = await openLevelLog(store);
  return {
    log,
    async close() {
      await log.close();
      await store.close();
    },
  };
}

export async function openFraudLog(opened: OpenLog, deployment = DEPLOYMENT): Promise<FraudLog> {
  const { log } = opened;
  const registry = new Registry({ deployment: { name: deployment, partitions: 1 }, log, clock: systemClock });
  await registry.start();
  await registry.commit(await fraudProposal());
  const ingest = new Ingest({ deployment, log, revisions: registry.history, clock: systemClock, hasRoom: () => true, ...DOOR });
  return {
    log,
    deployment,
    registry,
    ingest,
    async close() {
      await registry.stop();
      await opened.close();
    },
  };
}

async function fraudProposal() {
  const bundle = await bundleModule(FRAUD_MODULE);
  const { definitions } = readDefinitions(evaluateBundle(bundle.code));
  return { definitions, bundle };
}

/** Puts all orders into the log, through ingest, and says how many a second it took. */
export async function fillLog({ ingest }: Pick<FraudLog, 'ingest'>, options: OrdersOptions): Promise<number> {
  const startUs = systemClock.nowUs();
  let records: unknown[] = [];
  let number = 0;
  const push = async (): Promise<void> => {
    const { refused, errors } = await ingest.push({ dataset: 'Order', body: { kind: 'parsed', records }, historical: false });
    if (refused > 0) throw new Error(`${refused} orders were refused, first: ${errors[0]?.error ?? ''}`);
    records = [];
  };
  for (const order of orders(options)) {
    records.push(eventOf(order, number++));
    if (records.length === PUSH_EVENTS) await push();
  }
  if (records.length > 0) await push();
  return (number * 1e6) / (systemClock.nowUs() - startUs);
}
