// What LevelDB itself does not notice is noticed before a store opens: whatever byte of its files has flipped, it either
// gives what was written, or says that it is damaged.
import { cpSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { ThymeError } from '../../libs/errors/errors.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';
import { BREAKAGES, flipByte } from '../support/broken-files.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const BATCHES = 40;

/** Each batch writes its own number under one key too: what a store shows must be that of whole batches, in order. */
async function writeBatches(store: Store, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) {
    const batch = store.batch();
    batch.put(Buffer.from('number'), Buffer.from(String(number)));
    for (let i = 0; i < 30; i++) batch.put(keyOf(number, i), valueOf(number, i));
    await batch.write({ sync: true });
  }
}

function keyOf(number: number, i: number): Buffer {
  return Buffer.from(`key ${i % 7} ${number} ${i}`);
}

function valueOf(number: number, i: number): Buffer {
  return i % 2 === 0 ? Buffer.from('repeats and so is compressed '.repeat(8)) : Buffer.from(`value ${number * 7_919 + i}`);
}

/** A folder with two tables and a log. */
async function pristine(): Promise<string> {
  const folder = join(temporaryFolder(), 'store');
  for (const [from, to] of [
    [0, BATCHES / 4],
    [BATCHES / 4, BATCHES / 2],
    [BATCHES / 2, BATCHES],
  ] as const) {
    const store = await openLevelStore(folder); // what was in its log becomes a table
    await writeBatches(store, from, to);
    await store.close();
  }
  return folder;
}

/** The number of batches that the store shows, which must be all of the first so many. */
async function batchesIn(store: Store): Promise<number> {
  const entries = new Map<string, string>();
  for await (const [key, value] of store.entries({})) entries.set(Buffer.from(key).toString(), Buffer.from(value).toString());
  const batches = Number(entries.get('number') ?? -1) + 1;
  const expected = new Map<string, string>(batches === 0 ? [] : [['number', String(batches - 1)]]);
  for (let number = 0; number < batches; number++)
    for (let i = 0; i < 30; i++) expected.set(keyOf(number, i).toString(), valueOf(number, i).toString());
  expect([...entries].sort()).to.deep.equal([...expected].sort());
  for (const [key, value] of expected) expect(Buffer.from(store.get(Buffer.from(key)) ?? []).toString(), key).to.equal(value);
  return batches;
}

async function openOrDamaged(folder: string): Promise<Store | undefined> {
  try {
    return await openLevelStore(folder);
  } catch (error) {
    expect(error).to.be.instanceOf(ThymeError).and.to.include({ code: 'THYME_STORE_DAMAGED', disposition: 'rebuild' });
    return undefined;
  }
}

describe('the files of a LevelDB', function () {
  this.timeout(120_000);

  it('are sound, or said to be damaged, whatever byte has flipped', async () => {
    const whole = await pristine();
    const files = readdirSync(whole).filter((name) => !/^LO(CK|G)/.test(name));
    const found = { damaged: 0, sound: 0 };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.double({ min: 0, max: 1, noNaN: true }), async (file, at) => {
        const folder = join(temporaryFolder(), 'store');
        cpSync(whole, folder, { recursive: true });
        flipByte(join(folder, file), at);
        const store = await openOrDamaged(folder);
        if (store === undefined) {
          found.damaged++;
          return;
        }
        // The end of the log may be torn: what is left is a state that there was, which the changelog goes on from.
        const batches = await batchesIn(store);
        expect(batches).to.be.at.least(file.endsWith('.log') ? BATCHES / 2 : BATCHES);
        found.sound++;
        await store.close();
      }),
      { numRuns: 150 },
    );
    expect(found.damaged).to.be.at.least(50);
  });

  it('are sound wherever a power cut has torn the end of the log', async () => {
    const whole = await pristine();
    const log = readdirSync(whole).find((name) => name.endsWith('.log')) ?? '';
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), async (share) => {
        const folder = join(temporaryFolder(), 'store');
        cpSync(whole, folder, { recursive: true });
        truncateSync(join(folder, log), Math.floor(share * statSync(join(folder, log)).size));
        const store = await openLevelStore(folder);
        expect(await batchesIn(store)).to.be.within(BATCHES / 2, BATCHES);
        await store.close();
      }),
      { numRuns: 20 },
    );
  });

  it('are sound beside what a compaction had not finished and a log that was written out, which LevelDB removes', async () => {
    const folder = await pristine();
    const [table] = readdirSync(folder).filter((name) => name.endsWith('.ldb'));
    cpSync(join(folder, table ?? ''), join(folder, '900001.ldb'));
    truncateSync(join(folder, '900001.ldb'), 100);
    writeFileSync(join(folder, '000001.log'), 'what is left of an old log');
    const store = await openLevelStore(folder);
    expect(await batchesIn(store)).to.equal(BATCHES);
    await store.close();
  });

  for (const { name, apply } of BREAKAGES) {
    it(`are damaged, and not merely unusable, where ${name}`, async () => {
      const folder = await pristine();
      apply(folder);
      expect(await openOrDamaged(folder)).to.equal(undefined);
      expect(await openOrDamaged(folder), 'nor does a try mend it in silence').to.equal(undefined);
    });
  }

  it('are not called damaged while another has them open, even if they are', async () => {
    const folder = await pristine();
    const store = await openLevelStore(folder);
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.ldb'))) flipByte(join(folder, name), 0.5);
    const error: unknown = await openLevelStore(folder).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ThymeError).and.to.include({ code: 'THYME_STORE_LOCKED', disposition: 'stop' });
    await store.close();
  });
});
