// A disk that is really full: a small file system in memory, where the test may mount one.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { systemClock } from '../../libs/time/clock.js';
import { startEmbeddedPlatform } from '../support/embedded-platform.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const TOPIC = { topic: 'orders', partition: 0 };
const MIB = 1_024 * 1_024;
/** Files of the platform itself are small beside what is kept free (services/program/owner-role.ts). */
const PLATFORM_MIB = 640;
const KEPT_FREE_MIB = 512;

const mounted: string[] = [];

/** Undefined, loudly, where it is not permitted. */
function smallDisk(mib: number): string | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    process.stderr.write(`a test of full disks is left out, since none can be mounted here: ${String(error)}\n`);
    return undefined;
  }
  mounted.push(folder);
  return folder;
}

/** Takes up to so much room; gives it back when it is called. */
function fill(folder: string, mib: number): () => void {
  const path = join(folder, 'filler');
  const file = openSync(path, 'w');
  try {
    for (let i = 0; i < mib; i++) writeSync(file, Buffer.alloc(MIB, 1));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(20_000);
  while (!(await holds())) {
    deadline.throwIfAborted();
    await systemClock.sleep(50, deadline);
  }
}

describe('a disk that is full', function () {
  this.timeout(60_000);
  afterEach(() => {
    for (const folder of mounted.splice(0)) execFileSync('umount', ['-l', folder]);
  });

  it('is taken up by the log without a restart once it has room again, and nothing that was accepted is lost (S13)', async function () {
    const disk = smallDisk(8);
    if (disk === undefined) return this.skip();
    const open = () => openLevelStore(join(disk, 'log'), { writeBufferSize: MIB });
    let store = await open();
    const reopening = { open: async () => (store = await open()), clock: systemClock, random: () => 0, onAttempt: () => undefined };
    const log = await openLevelLog(store, { reopening });
    await log.createTopic(TOPIC.topic, 1);
    const accepted: string[] = [];
    const append = async (text: string): Promise<boolean> => {
      const value = Buffer.concat([Buffer.from(`${text} `), Buffer.alloc(20_000, accepted.length)]);
      return log.append(TOPIC, [{ key: Buffer.from('k'), value }]).then(
        () => accepted.push(text) > 0,
        () => false,
      );
    };
    expect(await append('before')).to.equal(true);
    const empty = fill(disk, 8);
    for (let i = 0; i < 100 && log.failure === undefined; i++) await append(`while it fills ${i}`);
    expect(log.failure).to.include({ disposition: 'retry' });
    empty();
    await until(async () => log.failure === undefined);
    expect(await append('after')).to.equal(true);
    const { records } = await log.read(TOPIC, 0, { recordsMax: 1_000, bytesMax: 100 * MIB });
    const texts = records.map(
      ({ value }) =>
        Buffer.from(value)
          .toString('latin1')
          .split(/ [^a-z0-9]/)[0],
    );
    expect(texts.filter((text) => accepted.includes(text ?? ''))).to.deep.equal(accepted); // those in doubt may be there too
    await log.close();
    await store.close();
  });

  it('makes the process not ready while pushes are refused, and ready when it has room again', async function () {
    const disk = smallDisk(PLATFORM_MIB);
    if (disk === undefined) return this.skip();
    const logged: string[] = [];
    const platform = await startEmbeddedPlatform({ dataDir: join(disk, 'data'), log: (line) => logged.push(line) });
    try {
      await commitFile('test/support/shop-features.ts', platform.context);
      const health = async (): Promise<number> => (await fetch(`${platform.url}/health`)).status;
      const push = async (): Promise<number> => {
        const events = [{ user_id: 1, item: 'x', price: 1, quantity: 1, paid_at: '2025-12-29T10:00:00Z' }];
        const body = JSON.stringify({ dataset: 'Purchase', events });
        return (await fetch(`${platform.url}/api/v1/log`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
          .status;
      };
      expect([await health(), await push()]).to.deep.equal([200, 200]);
      const empty = fill(disk, PLATFORM_MIB - KEPT_FREE_MIB);
      await until(async () => (await health()) === 503);
      expect(await push()).to.be.at.least(400);
      empty();
      await until(async () => (await health()) === 200);
      expect(await push()).to.equal(200);
    } finally {
      await platform.stop();
    }
  });
});
