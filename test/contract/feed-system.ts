import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import own from '../../infra/examples/feed-connector.js';
import { contractRow, type ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';

/** What the example of a connector of one's own reads, behind a line that can misbehave. */
export async function openFeedSystem(): Promise<ContractSystem> {
  const rows: object[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://feed');
    const after = Number(searchParams.get('after'));
    response.end(JSON.stringify({ last: rows.length, rows: rows.slice(after, after + Number(searchParams.get('limit'))) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await FaultyProxy.open((server.address() as AddressInfo).port); // of TCP
  const url = `http://127.0.0.1:${proxy.port}/feed`;
  return {
    connector: { module: new URL('../../infra/examples/feed-connector.js', import.meta.url), create: 'create' },
    source: { connector: own.name, config: { url }, everyUs: 200_000, cdc: 'append' },
    elsewhere: { url: `${url}/other` },
    rules: own.rules,
    async add(from, to) {
      for (let n = from; n < to; n++) rows.push({ id: n + 1, ...contractRow(n) });
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    async close() {
      await proxy.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
