// What node:http itself can do: takes a body and answers a constant, under the headers of an answer of ours. A process of its own; its
// argument is the answer. Says where it is reached, and then, whenever it is asked, what CPU time it has spent.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tellCpu } from './tell-cpu.js';

const [answer = ''] = process.argv.slice(2);
const head = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['content-type', 'application/json'],
  ['x-query-run-id', '00000000-0000-7000-8000-000000000000'],
  ['content-length', String(Buffer.byteLength(answer))],
].flat();

const server = createServer((request, response) => {
  request.on('data', () => undefined);
  request.on('end', () => {
    response.writeHead(200, head);
    response.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // it listens on a port
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
tellCpu();
