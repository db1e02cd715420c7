import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openLevelStore } from '../../libs/store/level-store.js';
import { damageFiles } from '../support/damage-files.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('the LevelDB store', () => {
  it('is held by one process: a second one is told the folder and the fix', async function () {
    this.timeout(20_000);
    const folder = temporaryFolder();
    const store = await openLevelStore(folder);
    const program = `import { openLevelStore } from '${new URL('../../libs/store/level-store.js', import.meta.url).href}';
      await openLevelStore(process.argv[1]).catch((error) => console.log(error.status, error.code, error.message));`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    await once(child, 'close');
    expect(output.join(''))
      .to.match(/^FAILED_PRECONDITION THYME_STORE_LOCKED /)
      .and.to.contain(folder)
      .and.to.contain('another process');
    await store.close();
    await (await openLevelStore(folder)).close();
  });

  it('has no byte of what was deleted in its tables once they are written anew, also where all came since the last flush (S26)', async () => {
    const folder = temporaryFolder();
    const store = await openLevelStore(folder);
    const write = async (key: string, value: string | undefined): Promise<void> => {
      const batch = store.batch();
      if (value === undefined) batch.delete(Buffer.from(key));
      else batch.put(Buffer.from(key), Buffer.from(value));
      await batch.write({ sync: true });
    };
    const filesWith = (text: string): string[] =>
      readdirSync(folder).filter((name) => !name.startsWith('MANIFEST') && readFileSync(join(folder, name)).includes(text));
    for (const round of [1, 2]) {
      await write('a', `canary ${round}`);
      await write('b', `stays ${round}`);
      await write('a', undefined);
      expect(filesWith('canary'), `round ${round}, before`).to.not.deep.equal([]);
      await store.compact?.();
      expect(filesWith('canary'), `round ${round}`).to.deep.equal([]);
      expect(Buffer.from(store.get(Buffer.from('b')) ?? []).toString()).to.equal(`stays ${round}`);
    }
    await store.close();
  });

  it('is refused to a second opening in the same process as well', async () => {
    const folder = temporaryFolder();
    const store = await openLevelStore(folder);
    expect(await failureOf(openLevelStore(folder))).to.include({ code: 'THYME_STORE_LOCKED' });
    await store.close();
  });

  it('says UNAVAILABLE with the cause when the folder cannot be used', async () => {
    const folder = join(temporaryFolder(), 'a name that is too long '.repeat(20));
    const error = await failureOf(openLevelStore(folder));
    expect(error).to.include({ status: 'UNAVAILABLE', code: 'THYME_STORE_FAILED', disposition: 'retry' });
    expect(error.message).to.contain(folder);
    expect(error.cause).to.be.instanceOf(Error);
  });

  it('says of a damaged table, or manifest, that it is damaged, which folder, and the fix', async () => {
    const folder = temporaryFolder();
    const store = await openLevelStore(folder);
    const batch = store.batch();
    for (let i = 0; i < 1_000; i++) batch.put(Buffer.from(`key ${i}`), Buffer.from('value '.repeat(20)));
    await batch.write({ sync: true });
    await store.close();
    const opened = await openLevelStore(folder); // what was in its log is a table now
    expect(opened.damage).to.equal(undefined);
    damageFiles(folder, /\.ldb$/); // while it is open: the next opening would find it before any read
    const error = await failureOf(
      (async () => {
        for await (const entry of opened.entries({})) expect(entry).to.have.length(2);
      })(),
    );
    expect(error).to.include({ status: 'UNAVAILABLE', code: 'THYME_STORE_DAMAGED', disposition: 'rebuild' });
    expect(error.message).to.contain(folder).and.to.contain('owners and replicas build theirs anew');
    expect(opened.damage).to.equal(error);
    await opened.close();
    expect(await failureOf(openLevelStore(folder))).to.include({ code: 'THYME_STORE_DAMAGED', disposition: 'rebuild' });
    damageFiles(folder, /^MANIFEST-/);
    expect(await failureOf(openLevelStore(folder))).to.include({ code: 'THYME_STORE_DAMAGED' });
  });

  it('makes the folder, with those above it', async () => {
    const store = await openLevelStore(join(temporaryFolder(), 'a', 'b'), { writeBufferSize: 1_000_000, cacheSize: 1_000_000 });
    await store.close();
  });
});

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('this should have failed');
}
