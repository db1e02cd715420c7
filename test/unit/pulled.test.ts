import { expect } from 'chai';
import fc from 'fast-check';
import { pulled } from '../../services/query/pulled.js';

describe('what is pulled', () => {
  it('comes in order and to its end, however producer and reader take turns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 20 }), async (turns) => {
        const pause = async (count: number): Promise<void> => {
          for (let i = 0; i < count; i++) await Promise.resolve();
        };
        const got: number[] = [];
        const items = pulled<number>(async (hand) => {
          for (const [i, [before]] of turns.entries()) {
            await pause(before);
            await hand(i);
          }
        });
        for await (const item of items) {
          await pause(turns[item]?.[1] ?? 0);
          got.push(item);
        }
        expect(got).to.deep.equal(turns.map((_, i) => i));
      }),
    );
  });

  it('is produced no further than one item ahead of what is wanted', async () => {
    let made = 0;
    const items = pulled<number>(async (hand) => {
      for (;;) await hand(made++);
    });
    expect((await items.next()).value).to.equal(0);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect(made).to.equal(1);
    expect((await items.next()).value).to.equal(1);
    await items.return();
  });

  it('ends its producer where the reader leaves', async () => {
    let ended: unknown;
    const items = pulled<number>(async (hand) => {
      try {
        for (let i = 0; ; i++) await hand(i);
      } catch (error) {
        ended = error;
        throw error;
      }
    });
    for await (const item of items) if (item === 3) break;
    await Promise.resolve();
    expect(String(ended)).to.contain('the caller is gone');
  });

  it('fails as its producer does, after what it has handed over', async () => {
    const items = pulled<number>(async (hand) => {
      await hand(1);
      throw new Error('broken');
    });
    expect((await items.next()).value).to.equal(1);
    expect(await items.next().then(String, String)).to.equal('Error: broken');
  });
});
