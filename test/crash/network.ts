// A bad line between an owner and a query service: slow, silent, broken off, half closed (RELIABILITY 4). The
// stream that comes through it stays ordered, unique and complete: the replica's store is compared in the end.
import { setTimeout as sleep } from 'node:timers/promises';
import { report, type Findings } from './questions.js';
import type { Ordeal } from './round.js';
import { expectGrowth, STOPPED_MS, untilFresh, WARM_UP_MS } from './staleness.js';
import { TcpProxy } from './tcp-proxy.js';
import { Sampler, untruths } from './truth.js';

const SLOW_LENGTH_MS = 3_000;
const BREAKS = 6;
const BETWEEN_BREAKS_MS = 250;

export const network: Ordeal = async ({ cluster, findings, journal }) => {
  const proxy = new TcpProxy(cluster.grpc('owner'));
  cluster.useOwner('second', await proxy.start());
  const second = cluster.start('second');
  if ((await second.ready) === undefined) throw new Error(`the second query service did not start: ${second.errors.join('\n')}`);
  const sampler = new Sampler(cluster.secondRestUrl);
  try {
    await sleep(WARM_UP_MS);
    proxy.state = 'slow';
    await sleep(SLOW_LENGTH_MS);
    proxy.state = 'pass';
    await silence(proxy, sampler, findings);
    await untilFresh(cluster.secondRestUrl, Date.now());
    const before = proxy.connections;
    for (const cut of [() => proxy.reset(), () => proxy.halfClose('client'), () => proxy.halfClose('server')]) {
      for (let i = 0; i < BREAKS; i++) {
        cut();
        await sleep(BETWEEN_BREAKS_MS);
      }
      await untilFresh(cluster.secondRestUrl, Date.now());
    }
    if (proxy.connections === before) report(findings, 'no connection was made anew: nothing was broken off');
    for (const refusal of sampler.refusals) report(findings, `a read was refused while the line was bad: ${refusal}`);
  } finally {
    await sampler.stop();
  }
  for (const untruth of await untruths(sampler.samples, journal, cluster.partitions)) report(findings, untruth);
  cluster.useOwner('second', undefined);
  await cluster.kill('second'); // its store is compared like any replica's
  await proxy.stop();
  return [];
};

/** Long enough that the replica has to say that it cannot tell how old its answers are. */
async function silence(proxy: TcpProxy, sampler: Sampler, findings: Findings): Promise<void> {
  const startMs = Date.now();
  proxy.state = 'black hole';
  await sleep(STOPPED_MS);
  const samples = sampler.since(startMs);
  expectGrowth(samples, startMs, findings);
  if (samples.at(-1)?.lagUs !== undefined)
    report(findings, `after ${STOPPED_MS} ms of silence the replica still gives a lag: ${JSON.stringify(samples.at(-1))}`);
  proxy.state = 'pass';
}
