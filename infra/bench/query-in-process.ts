import { create } from '@bufbuild/protobuf';
import { QueryRequestSchema, type QueryResponse } from '../../gen/thyme/v1/query_pb.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { openOwnerRole } from '../../services/program/owner-role.js';
import { openQueryRole, type QueryRole } from '../../services/program/query-role.js';
import { cpuClock } from './bench-report.js';
import { DEPLOYMENT } from './fraud-owner.js';
import { Latencies, nowUs } from './latencies.js';
import { lcg, userId, zipf } from './orders.js';

export interface Asker {
  readonly query: QueryRole['query'];
  close(): Promise<void>;
}

/** Owner and query service over a data folder that has been filled, without any server; once all of it is applied. */
export async function openAsker(dataDir: string, events: number): Promise<Asker> {
  const telemetry = {
    clock: systemClock,
    logger: createLogger({ level: 'warn', clock: systemClock }),
    metrics: new MetricsRegistry(),
    events: new EventRing(systemClock),
  };
  const tokenKey = () => new Uint8Array(32); // nobody asks by token here
  const credentials = { tokenKey, apply: () => undefined };
  const owner = await openOwnerRole({ ...telemetry, deployment: DEPLOYMENT, dataDir, partitions: 1, keysRequired: false, credentials });
  const query = await openQueryRole({ ...telemetry, dataDir, partitions: 1, source: owner.replication, tokenKey });
  await owner.start();
  await query.start();
  const { signal } = new AbortController();
  await query.replica.views
    .view(0)
    .waitFor(({ counters }) => counters.reduce((sum, { applied, late }) => sum + applied + late, 0) >= events, signal);
  return {
    query: query.query,
    async close() {
      await query.stop({ graceMs: 10_000 });
      await owner.stop({ graceMs: 10_000 });
    },
  };
}

export interface HandlerCost {
  readonly latencies: Latencies;
  /** CPU time of a query, with garbage collection, the audit and the asking itself. */
  readonly cpuUs: number;
  readonly last: QueryResponse | undefined;
}

/** Handler latencies of FraudSignals, one query after the other, for users drawn as their orders are. */
export async function measureHandler(
  asker: Asker,
  { entities, queries }: { readonly entities: number; readonly queries: number },
): Promise<HandlerCost> {
  const draw = zipf(entities, lcg(99));
  const { signal } = new AbortController();
  const inputs = { cart_total: { kind: { case: 'floatValue', value: 900.5 } } } as const;
  let last: QueryResponse | undefined;
  let [latencies, cpuUs] = [new Latencies(), cpuClock()];
  for (let i = -Math.ceil(queries / 4); i < queries; i++) {
    if (i === 0) [latencies, cpuUs] = [new Latencies(), cpuClock()];
    const request = create(QueryRequestSchema, {
      featureset: 'FraudSignals',
      entity: { values: [{ kind: { case: 'stringValue', value: userId(draw()) } }] },
      inputs,
    });
    const startUs = nowUs();
    last = await asker.query.query(request, { signal });
    latencies.add(nowUs() - startUs);
    // The audit and the replica get their turns, as they do between requests.
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { latencies, cpuUs: cpuUs() / queries, last };
}
