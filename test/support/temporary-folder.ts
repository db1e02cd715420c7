import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

/** A new empty folder, removed after the running test (after that test's own `afterEach` hooks). */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'thyme-test-'));
  folders.push(folder);
  return folder;
}

/** All that `temporaryFolder` has made since. */
export async function removeTemporaryFolders(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
}

// At the root of Mocha, so a test file need not remember it; runs also after a test that failed. Where leave-nothing.ts is loaded in front
// of all files Mocha is not there yet, and its hook does the same for every file.
if ('afterEach' in globalThis) afterEach(removeTemporaryFolders);
