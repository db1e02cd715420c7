import { expect } from 'chai';
import type { SourceBatch } from '../../libs/source/connector.js';
import { readAhead } from '../../services/ingest/sources/read-ahead.js';

const NEVER = new AbortController().signal;

/** Gives numbered batches, then whatever `end` does, and writes down what was asked of it. */
function reader(batches: number, end: (signal: AbortSignal) => Promise<void> = async () => undefined) {
  const asked: string[] = [];
  return {
    asked,
    async *read(_position: unknown, _limits: unknown, signal: AbortSignal): AsyncGenerator<SourceBatch> {
      try {
        for (let n = 0; n < batches; n++) {
          asked.push(`asked ${n}`);
          yield { rows: [], position: n };
        }
        asked.push('asked for the end');
        await end(signal);
      } finally {
        asked.push('ended');
      }
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('reading ahead', () => {
  it('gives each batch once, in order, with one more under way and no other (Y3)', async () => {
    const source = reader(4);
    const seen: unknown[] = [];
    for await (const { position } of readAhead(source, undefined, NEVER)) {
      seen.push(position);
      await turns();
      expect(
        source.asked.filter((what) => what.startsWith('asked')),
        `while ${String(position)} is committed`,
      ).to.have.length(seen.length + 1);
    }
    expect(seen).to.deep.equal([0, 1, 2, 3]);
    expect(source.asked.at(-1)).to.equal('ended');
  });

  it('throws what reading threw behind all that was read before it', async () => {
    const source = reader(2, () => Promise.reject(new Error('it broke off')));
    const seen: unknown[] = [];
    let thrown: unknown;
    try {
      for await (const { position } of readAhead(source, undefined, NEVER)) {
        await turns(); // it has failed by now
        seen.push(position);
      }
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).to.contain('it broke off');
    expect(seen).to.deep.equal([0, 1]);
  });

  it('lets go of a stream that waits for more, when a commit fails and when the signal aborts (Y4)', async () => {
    const failing = reader(1, aborted);
    let thrown: unknown;
    try {
      for await (const batch of readAhead(failing, undefined, NEVER)) throw new Error(`the commit of ${String(batch.position)} failed`);
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).to.contain('the commit of 0 failed');
    expect(failing.asked.at(-1)).to.equal('ended');
    const stopping = new AbortController();
    const waiting = reader(1, aborted);
    for await (const batch of readAhead(waiting, undefined, stopping.signal)) {
      expect(batch.position).to.equal(0);
      setImmediate(() => stopping.abort());
    }
    expect(waiting.asked.at(-1)).to.equal('ended');
  });

  it('begins behind the position', async () => {
    const positions: unknown[] = [];
    const source = {
      async *read(position: unknown): AsyncGenerator<SourceBatch> {
        positions.push(position);
        yield { rows: [], position: 8 };
      },
    };
    for await (const batch of readAhead(source, 7, NEVER)) expect(batch.position).to.equal(8);
    expect(positions).to.deep.equal([7]);
  });
});
