import { tableFromIPC } from 'apache-arrow';
import { parseTimestamp } from '../../libs/time/timestamp.js';
import { Latencies, nowUs } from './latencies.js';
import type { LoadJob, LoadResult } from './load-jobs.js';
import { OrderOracle } from './order-oracle.js';
import { lcg, orders, userId, zipf } from './orders.js';

const CHECK_EVERY = 5_000;

/**
 * A training set of users drawn as their orders are, in several requests, one after the other: rows a second from the first request
 * to the last byte.
 */
export async function runOffline({
  url,
  featureset,
  orders: options,
  rows,
  rowsPerRequest,
}: Extract<LoadJob, { readonly kind: 'offline' }>): Promise<LoadResult> {
  const oracle = new OrderOracle(orders(options));
  const random = lcg(5);
  const draw = options.skew === 'uniform' ? () => Math.floor(random() * options.entities) : zipf(options.entities, random);
  const latencies = new Latencies();
  const faults: string[] = [];
  let [checked, tookUs, count] = [0, 0, 0];
  while (count < rows) {
    const queries = Array.from({ length: Math.min(rowsPerRequest, rows - count) }, () => {
      const atUs = Math.floor(options.endUs - random() * options.spanUs);
      return { entity_id: userId(draw()), timestamp: new Date(atUs / 1_000).toISOString() };
    });
    const body = JSON.stringify({ featureset, queries });
    const startUs = nowUs();
    const response = await fetch(`${url}/features/offline`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', accept: 'application/vnd.apache.arrow.stream' },
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    latencies.add(nowUs() - startUs);
    tookUs += nowUs() - startUs;
    const table = tableFromIPC(bytes);
    if (table.numRows !== queries.length) faults.push(`${table.numRows} rows answer ${queries.length} queries`);
    for (let at = 0; at < queries.length; at += CHECK_EVERY) {
      const query = queries[at];
      const row = table.get(at);
      if (query === undefined || row === null) continue;
      checked++;
      const features = Object.fromEntries(table.schema.fields.map(({ name }) => [name, plain(row[name])]));
      const fault = oracle.fault(query.entity_id, parseTimestamp(query.timestamp), features);
      if (fault !== undefined && faults.length < 5) faults.push(fault);
    }
    count += queries.length;
  }
  return {
    askedPerS: Number.POSITIVE_INFINITY,
    achievedPerS: (count * 1e6) / tookUs,
    count,
    served: count,
    p50Us: latencies.quantile(0.5),
    p99Us: latencies.quantile(0.99),
    checked,
    faults,
    pushedPerS: 0,
  };
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
