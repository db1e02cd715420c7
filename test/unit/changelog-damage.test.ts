import { expect } from 'chai';
import { encodeBatch } from '../../libs/change/batch-codec.js';
import { readBatches, toPieces } from '../../libs/change/changelog.js';
import type { CommitRecord } from '../../libs/change/change.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';

const CHANGELOG = { topic: 'changes', partition: 0 };

function commitOf(seq: number): CommitRecord {
  return { epoch: 1, seq, prevSeq: seq - 1, revision: 0, clockUs: 0, positions: [], cursors: [], hops: [], counters: [] };
}

async function failureOf(batches: AsyncIterable<unknown>): Promise<unknown> {
  try {
    for await (const batch of batches) expect(batch).to.be.an('object');
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('a changelog that is damaged', () => {
  for (const at of [1, 12, 40]) {
    it(`stops whoever reads it, at byte ${at} of a piece: what states are built from cannot be built itself`, async () => {
      const log = new MemoryLog();
      await log.createTopic(CHANGELOG.topic, 1);
      await log.append(CHANGELOG, toPieces(encodeBatch([], commitOf(1))));
      const [piece] = toPieces(encodeBatch([], commitOf(2)));
      const value = Buffer.from(piece?.value ?? []);
      value.writeUInt8(value.readUInt8(at) ^ 0x40, at);
      await log.append(CHANGELOG, [{ key: new Uint8Array(), value }]);
      const error = await failureOf(readBatches(log, CHANGELOG, 1));
      expect(error).to.include({ code: 'THYME_LOG_CORRUPT', disposition: 'stop' });
      expect(String(error)).to.contain('at offset 1');
    });
  }
});
