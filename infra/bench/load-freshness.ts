import { Latencies, nowUs } from './latencies.js';
import type { LoadJob, LoadResult } from './load-jobs.js';
import { Pushing } from './load-pushes.js';
import { RestConnection } from './rest-connection.js';

/** Probes beside the load: few enough to add nothing to it. */
const PROBES_PER_S = 20;

/** Beside the load, single orders are pushed and at once asked for with their token (S21). The duration is that from push to answer. */
export async function runFreshness({ url, load, seconds }: Extract<LoadJob, { readonly kind: 'freshness' }>): Promise<LoadResult> {
  const pushing = new Pushing(url, load);
  const connections = [new RestConnection(url), new RestConnection(url), new RestConnection(url)];
  const latencies = new Latencies();
  const faults: string[] = [];
  const endUs = nowUs() + seconds * 1e6;
  let number = 0;
  await Promise.all(
    connections.map(async (connection, lane) => {
      while (nowUs() < endUs) {
        const user = `probe_${lane}_${number++}`;
        const fault = await probe(connection, user, latencies);
        if (fault !== undefined && faults.length < 5) faults.push(fault);
        await new Promise((resolve) => setTimeout(resolve, (1_000 * connections.length) / PROBES_PER_S));
      }
      connection.close();
    }),
  );
  const pushed = await pushing.stop();
  return {
    ...pushed,
    p50Us: latencies.quantile(0.5),
    p99Us: latencies.quantile(0.99),
    checked: latencies.count,
    faults: [...faults, ...pushed.faults],
  };
}

async function probe(connection: RestConnection, user: string, latencies: Latencies): Promise<string | undefined> {
  const startUs = nowUs();
  const pushed = await connection.post(
    '/api/v1/log',
    `{"dataset":"Order","events":[{"user_id":"${user}","order_id":"o","amount":12.5,"ordered_at":"${new Date().toISOString()}"}]}`,
  );
  const { token } = JSON.parse(pushed.body) as { readonly token?: string };
  const { status, body } = await connection.post(
    '/features',
    `{"featureset":"FraudSignals","entity_id":"${user}","after":"${token ?? ''}","inputs":{"cart_total":1.5}}`,
  );
  latencies.add(nowUs() - startUs);
  const answer = status === 200 ? (JSON.parse(body) as { readonly features: Readonly<Record<string, unknown>> }).features : {};
  return answer['order_count_1h'] === 1 && answer['total_spend_24h'] === 12.5 ? undefined : `${status}: ${body.slice(0, 300)}`;
}
