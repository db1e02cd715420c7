import { expect } from 'chai';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { Log } from '../../libs/log/log.js';
import { MemoryStore } from '../../libs/store/memory-store.js';

const SOURCE = { topic: 't', partition: 0 };

async function textsOf(log: Log, from = 0): Promise<string[]> {
  const { records } = await log.read(SOURCE, from, { recordsMax: 100, bytesMax: 1e6 });
  return records.map(({ offset, key, value }) => `${offset} ${Buffer.from(key).toString()}=${Buffer.from(value).toString()}`);
}

describe('rewriting of the embedded log (S26)', () => {
  for (const [what, tailBytesMax] of [
    ['in the tail', 1e6],
    ['in the store', 0],
  ] as const) {
    it(`takes other records at the same offsets, ${what} and after it is opened again`, async () => {
      const store = new MemoryStore();
      const log = await openLevelLog(store, { tailBytesMax });
      await log.createTopic('t', 1);
      const record = (text: string) => ({ key: Buffer.from(text), value: Buffer.from(text.toUpperCase()) });
      await log.append(SOURCE, [record('a'), record('b')]);
      await log.append(SOURCE, [record('b'), record('c')]);
      await log.append(SOURCE, [record('b')]);
      const nothing = { key: new Uint8Array(), value: new Uint8Array() };
      const replace = ({ key }: { readonly key: Uint8Array }) => (Buffer.from(key).toString() === 'b' ? nothing : undefined);
      expect(await log.rewrite(SOURCE, 4, replace)).to.equal(2);
      const expected = ['0 a=A', '1 =', '2 =', '3 c=C', '4 b=B'];
      expect(await textsOf(log)).to.deep.equal(expected);
      expect(await log.endOffset(SOURCE)).to.equal(5);
      await log.append(SOURCE, [record('d')]);
      expect(await log.rewrite(SOURCE, 4, () => undefined)).to.equal(0);
      await log.close();
      const again = await openLevelLog(store);
      expect(await textsOf(again)).to.deep.equal([...expected, '5 d=D']);
      expect(await textsOf(again, 3)).to.deep.equal(['3 c=C', '4 b=B', '5 d=D']);
    });
  }
});
