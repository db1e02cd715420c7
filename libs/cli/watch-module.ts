import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { moduleFiles } from '../definition/load-module.js';
import type { Clock } from '../time/clock.js';

export interface WatchOptions {
  readonly file: string;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
  /** Once at the start and after each change of a file that the module is made from; the next waits for it. Must not reject. */
  readonly onChange: () => Promise<void>;
}

/**
 * Between two looks: too short for a person to notice, and a few hundred `stat` in it cost nothing. Looking
 * works where notifications are lost, as on network disks and in containers.
 */
const LOOK_MS = 250;

/** Resolves when the signal aborts. */
export async function watchModule({ file, clock, signal, onChange }: WatchOptions): Promise<void> {
  let files: readonly string[] = [resolve(file)];
  let seen: string | undefined;
  while (!signal.aborted) {
    const now = await signatureOf(files);
    if (now !== seen) {
      // A module that cannot be bundled right now keeps the files that it had: one of them is about to be mended.
      files = await moduleFiles(file).catch(() => files);
      // Taken before the change is acted on: what is saved meanwhile is a change of its own.
      seen = await signatureOf(files);
      await onChange();
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/** Differs when a file was written, replaced, made or removed. */
async function signatureOf(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(
    files.map(async (file) => {
      const found = await stat(file, { bigint: true }).catch(() => undefined);
      return found === undefined ? `${file} is gone` : `${file} ${found.ino} ${found.mtimeNs} ${found.size}`;
    }),
  );
  return stats.join('\n');
}
