import { GrpcConnection } from './grpc-connection.js';
import { Latencies, nowUs } from './latencies.js';
import { QUERY_PATH } from './limits/query-path.js';
import type { LoadJob, LoadResult } from './load-jobs.js';
import { RestConnection } from './rest-connection.js';

/** The same requests by turns, as fast as they are answered; only refusals count as faults. */
export async function runBareReads(job: Extract<LoadJob, { readonly kind: 'bareReads' }>): Promise<LoadResult> {
  const { requests, underWay, seconds } = job;
  const { asks, close } = job.protocol === 'rest' ? restAsks(job.url, underWay) : grpcAsks(job.url, underWay);
  const latencies = new Latencies();
  const startUs = nowUs();
  let number = 0;
  await Promise.all(
    asks.map(async (ask) => {
      while (nowUs() < startUs + seconds * 1e6) {
        const sentUs = nowUs();
        await ask(requests[number++ % requests.length] ?? '');
        latencies.add(nowUs() - sentUs);
      }
    }),
  );
  const tookS = (nowUs() - startUs) / 1e6;
  close();
  return {
    askedPerS: Number.POSITIVE_INFINITY,
    achievedPerS: latencies.count / tookS,
    count: latencies.count,
    served: latencies.count,
    p50Us: latencies.quantile(0.5),
    p99Us: latencies.quantile(0.99),
    checked: 0,
    faults: [],
    pushedPerS: 0,
  };
}

interface Asks {
  readonly asks: readonly ((request: string) => Promise<unknown>)[];
  readonly close: () => void;
}

function restAsks(url: string, underWay: number): Asks {
  const connections = Array.from({ length: underWay }, () => new RestConnection(url));
  const asks = connections.map((connection) => async (body: string) => {
    const { status, body: said } = await connection.post('/features', body);
    if (status !== 200) throw new Error(`${status}: ${said}`);
  });
  return { asks, close: () => connections.forEach((connection) => connection.close()) };
}

/** Requests are messages in base64. */
function grpcAsks(url: string, underWay: number): Asks {
  const connection = new GrpcConnection(new URL(url).host);
  const ask = (message: string): Promise<Buffer> => connection.call(QUERY_PATH, Buffer.from(message, 'base64'));
  return { asks: Array.from({ length: underWay }, () => ask), close: () => connection.close() };
}
