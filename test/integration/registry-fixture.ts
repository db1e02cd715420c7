import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readDefinitions } from '../../libs/definition/check.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule } from '../../libs/definition/load-module.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Log } from '../../libs/log/log.js';
import { ManualClock } from '../../libs/time/clock.js';
import type { Proposal } from '../../services/registry/decide-commit.js';
import { Registry } from '../../services/registry/registry.js';
import { temporaryFolder } from '../support/temporary-folder.js';

export const PARTITIONS = 2;

export async function startRegistry(log: Log): Promise<Registry> {
  const registry = new Registry({ deployment: { name: 'd', partitions: PARTITIONS }, log, clock: new ManualClock(1_769_860_800_000_000) });
  await registry.start();
  return registry;
}

/** What `thyme commit` sends for a module with this text. */
export async function proposalOf(source: string): Promise<Proposal> {
  const path = join(temporaryFolder(), 'features.ts');
  writeFileSync(
    path,
    `import { ApproxPercentile, Count, Max, Sum, col, dataset, extractor, feature, featureset, field, input, key, pipeline, t, timestamp } from 'thyme';\n${source}`,
  );
  const bundle = await bundleModule(path);
  const { definitions } = readDefinitions(evaluateBundle(bundle.code));
  return { definitions, bundle };
}

export const ORDER = `@dataset({ version: 1 }) export class Order {
  @key(t.string) user_id; @field(t.float) amount; @field(t.int.optional) quantity; @timestamp() ordered_at;
}`;

export const STATS = `@dataset({ version: 1, index: true }) export class OrderStats {
  @key(t.string) user_id; @field(t.int) orders; @field(t.float) spend; @timestamp() ordered_at;
  @pipeline({ version: 1, inputs: [Order] }) static stats(orders) {
    return orders.filter((o) => o.amount.gt(0)).groupBy('user_id').aggregate({ orders: Count({ window: '1h' }), spend: Sum({ of: 'amount', window: '7d' }) });
  }
}`;

export const SIGNALS = `@featureset({ entity: 'user_id' }) export class Signals {
  @feature(t.string, { id: 1 }) user_id;
  @feature(t.int, { id: 2, ref: [OrderStats, 'orders'] }) orders;
  @feature(t.bool, { id: 3 }) many;
  @extractor({ inputs: ['orders'], outputs: ['many'] }) static rule(context, { orders }) { return { many: orders > 5 }; }
}`;

export const SHOP = `${ORDER}\n${STATS}\n${SIGNALS}`;

/** The text with one change, which must apply. */
export function changed(source: string, from: string, to: string): string {
  expect(source).to.contain(from);
  return source.replace(from, to);
}

export async function failure(work: Promise<unknown>): Promise<ThymeError> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).to.be.instanceOf(ThymeError);
  return error as ThymeError;
}
