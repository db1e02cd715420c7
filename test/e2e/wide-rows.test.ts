// Rows of 450 KB, 675 MB of them: they stream through the roles, together and apart, within a bounded memory.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { RecordBatchReader } from 'apache-arrow';
import { expect } from 'chai';
import { startDeployment } from '../support/deployment.js';
import { curlUntil, jsonOf, post } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

const ROWS = 1_500;
const ROW_BYTES = 450_000;
/**
 * How far a process may grow over what it takes when it has answered a small batch. The answer is 675 MB; held back and buffered
 * are some 40 MB of it on either side of gRPC, and V8 lets garbage of large texts lie for a while: it was 110 to 130 MiB.
 */
const GROWTH_BYTES_MAX = 256 * 1024 * 1024;
type NodeStream = Parameters<typeof Readable.fromWeb>[0];
const ARROW = 'application/vnd.apache.arrow.stream';
const ids = Array.from({ length: ROWS }, (_, i) => `row_${i}`);
const WIDE_BATCH = { featureset: 'Wide', entity_ids: ids };
const WIDE_QUERIES = { featureset: 'Wide', queries: ids.map((entity_id) => ({ entity_id, timestamp: '2026-01-01' })) };

/** The most that a process has had in memory so far, as Linux counts it. */
function peakBytes({ pid }: ThymeProcess): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

describe('wide rows', function () {
  this.timeout(300_000);
  const processes = new Processes();
  after(() => processes.end());

  async function prepare(url: string): Promise<void> {
    const { code, stderr } = await processes.run(['commit', 'test/support/training-features.ts'], { env: { THYME_API_URL: url } });
    expect(code, stderr).to.equal(0);
    await curlUntil(`${url}/features?featureset=Wide&entity_id=a`, ({ status }) => status === 200);
    jsonOf(await post(`${url}/features/batch`, { featureset: 'Wide', entity_ids: ids.slice(0, 20) }));
  }

  async function streamed(url: string, path: string, body: unknown, accept: string): Promise<Response & { readonly body: ReadableStream }> {
    const response = await fetch(url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', accept },
    });
    expect(response.status, response.status === 200 ? '' : await response.text()).to.equal(200);
    return response as Response & { readonly body: ReadableStream };
  }

  /** Only counted: the whole would not fit into one text. */
  async function countBytes(url: string, path: string, body: unknown): Promise<{ readonly bytes: number; readonly tail: string }> {
    const { body: stream } = await streamed(url, path, body, 'application/json');
    let bytes = 0;
    let tail = '';
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      tail = (tail + Buffer.from(chunk.subarray(-200)).toString('latin1')).slice(-200);
    }
    return { bytes, tail };
  }

  async function askBatch(url: string): Promise<void> {
    const { bytes, tail } = await countBytes(url, '/features/batch', WIDE_BATCH);
    expect(bytes).to.be.greaterThan(ROWS * ROW_BYTES);
    expect(tail).to.match(/\],"as_of":"[^"]+","freshness":\{"watermark":[^}]+\}\}$/);
  }

  async function askArrow(url: string): Promise<void> {
    const { body } = await streamed(url, '/features/batch', WIDE_BATCH, ARROW);
    const seen: string[] = [];
    for await (const part of await RecordBatchReader.from(Readable.fromWeb(body as NodeStream))) {
      const column = part.getChild('entity_id');
      for (let i = 0; i < part.numRows; i++) seen.push(String(column?.get(i)));
    }
    expect(seen).to.deep.equal(ids);
  }

  async function askOffline(url: string): Promise<void> {
    const { body } = await streamed(url, '/features/offline', WIDE_QUERIES, 'application/x-ndjson');
    let lines = 0;
    for await (const line of createInterface({ input: Readable.fromWeb(body as NodeStream) })) {
      if (lines === ROWS) expect(line).to.equal(`{"end":true,"rows":${ROWS}}`);
      else expect(line.startsWith(`{"entity_id":"row_${lines}","timestamp":"2026-01-01"`), `line ${lines}`).to.equal(true);
      lines++;
    }
    expect(lines).to.equal(ROWS + 1);
  }

  async function expectBounded(watched: readonly (readonly [string, ThymeProcess])[], ask: () => Promise<void>): Promise<void> {
    const before = watched.map(([, process]) => peakBytes(process));
    await ask();
    for (const [i, [name, process]] of watched.entries())
      expect(peakBytes(process) - (before[i] ?? 0), name).to.be.lessThan(GROWTH_BYTES_MAX);
  }

  it('stream through one process within bounded memory', async () => {
    const thyme = await processes.serve(processes.subfolder('one'));
    await prepare(thyme.restUrl);
    await expectBounded([['thyme', thyme]], async () => {
      await askBatch(thyme.restUrl);
      await askArrow(thyme.restUrl);
      await askOffline(thyme.restUrl);
    });
    await thyme.kill();
  });

  it('stream through roles of their own within bounded memory', async () => {
    const { url, query, gateway } = await startDeployment(processes, 'apart', 2);
    await prepare(url);
    const watched = [
      ['query', query],
      ['gateway', gateway],
    ] as const;
    await expectBounded(watched, async () => {
      await askBatch(url);
      await askOffline(url);
    });
  });
});
