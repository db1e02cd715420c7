import { openSocket, write } from '../http2-frames.js';
import { sleep, tally, type Attack, type Target } from '../attack.js';

const MIB = 1_024 * 1_024;
const JSON_TYPE = { 'content-type': 'application/json' };

async function statusOf(url: string, body: string | Uint8Array<ArrayBuffer>): Promise<number | string> {
  try {
    const response = await fetch(url, { method: 'POST', body, headers: JSON_TYPE, signal: AbortSignal.timeout(60_000) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 'closed';
  }
}

/** Ten sockets of 1,400 requests, sent at once, of which no answer is read. */
export const pipelinedMetrics: Attack = async ({ restTarget }) => {
  const requests = Buffer.from('GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(1_400), 'latin1');
  const sockets = await Promise.all(Array.from({ length: 10 }, () => openSocket(restTarget)));
  for (const socket of sockets) socket.pause();
  await Promise.all(sockets.map((socket) => Promise.race([write(socket, requests), sleep(3_000)])));
  await sleep(6_000);
  for (const socket of sockets) socket.destroy();
  return { sockets: sockets.length };
};

/** Datasets of nothing, in a plan: in 30 MB, and in as much as is read. */
export const emptyDatasets: Attack = async ({ restUrl }) => {
  const plan = (bytes: number): string => {
    const datasets = '{},'.repeat(Math.floor(bytes / 3));
    return `{"definitions":{"datasets":[${datasets}{}]}}`;
  };
  const startMs = performance.now();
  const outcomes = [await statusOf(`${restUrl}/api/v1/plan`, plan(30_000_000)), await statusOf(`${restUrl}/api/v1/plan`, plan(4_000_000))];
  return { outcomes: tally(outcomes), ms: Math.round(performance.now() - startMs) };
};

/** Names that are nearly those of a dataset's fields, each looked for among all of them. */
export const misspeltNames: Attack = async ({ restUrl }) => {
  const nameOf = (kind: string, i: number): string => `${'long_'.repeat(11)}${kind}${String(i).padStart(5, '0')}`;
  const fields = Array.from({ length: 511 }, (_, i) => ({ name: nameOf('a', i), type: { kind: 'KIND_INT' } }));
  const features = Array.from({ length: 1_000 }, (_, i) => ({
    name: `f${i}`,
    id: i + 1,
    type: { kind: 'KIND_INT' },
    ref: { owner: 'D', member: nameOf('bcdefg', i) },
  }));
  const featuresets = Array.from({ length: 5 }, (_, i) => ({ name: `F${i}`, entity: ['key'], features }));
  const body = JSON.stringify({ definitions: { datasets: [{ name: 'D', version: 1, fields }], featuresets } });
  const startMs = performance.now();
  const outcomes = [await statusOf(`${restUrl}/api/v1/plan`, body)];
  return { sentKiB: Math.round(body.length / 1_024), outcomes: tally(outcomes), ms: Math.round(performance.now() - startMs) };
};

/** Long keys by the ten thousand, then all runs that are on record. */
export const longKeysOnRecord: Attack = async ({ restUrl }) => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `${i}`.padStart(900, 'k'));
  const body = JSON.stringify({ featureset: 'Account', entity_ids: ids });
  const outcomes: (number | string)[] = [];
  for (let i = 0; i < 5; i++) outcomes.push(await statusOf(`${restUrl}/features/batch`, body));
  const page = await fetch(`${restUrl}/query-runs?limit=500`);
  const { length } = await page.text();
  return {
    sentMiB: Math.round((5 * body.length) / MIB),
    outcomes: tally(outcomes),
    page: page.status,
    pageKiB: Math.round(length / 1_024),
  };
};

/** One long number, and then quotes of which no string comes. */
export const quotesAfterNumber: Attack = async ({ restUrl }) => {
  const events = `[{"account":"a","amount":12345678901234567890,"paid_at":0},"${'\\"'.repeat(160_000)}`;
  const startMs = performance.now();
  const outcome = await statusOf(`${restUrl}/api/v1/log`, `{"dataset":"Payment","events":${events}"]}`);
  return { outcome, ms: Math.round(performance.now() - startMs) };
};

/** Forty uploads of 32 MB that stop before their end. */
export const stalledUploads: Attack = async (target) => {
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => stalledUpload(target)));
  return { outcomes: tally(outcomes) };
};

async function stalledUpload({ restTarget }: Target): Promise<string> {
  const socket = await openSocket(restTarget);
  const head = `POST /api/v1/log HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${32 * MIB}\r\n\r\n`;
  await write(socket, Buffer.from(head, 'latin1'));
  const part = Buffer.alloc(MIB, 0x20);
  for (let sent = 0; sent < 31 && !socket.destroyed; sent++) await Promise.race([write(socket, part), sleep(5_000)]);
  await sleep(3_000);
  const outcome = socket.destroyed ? 'closed' : 'open';
  socket.destroy();
  return outcome;
}

/** Objects of nothing, as events and as ids: three bytes each. */
export const jsonBombs: Attack = async ({ restUrl }) => {
  const nothing = `[${'{},'.repeat(10_000_000)}{}]`;
  const outcomes = [
    await statusOf(`${restUrl}/api/v1/log`, `{"dataset":"Payment","events":${nothing}}`),
    await statusOf(`${restUrl}/features/batch`, `{"featureset":"Account","entity_ids":${nothing}}`),
    await statusOf(`${restUrl}/features/batch`, `{"featureset":"Account","entity_ids":${'['.repeat(100_000)}`),
  ];
  return { outcomes: tally(outcomes) };
};
