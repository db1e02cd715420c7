import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Commits the examples while the source of the flights is told of an empty folder: what `npm start` has left in this one is not read. */
export async function withoutFlightFiles(commit: () => Promise<void>): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'thyme-no-flights-'));
  mkdirSync(join(folder, 'flights'));
  const before = process.env['THYME_DATA_DIR'];
  process.env['THYME_DATA_DIR'] = folder;
  try {
    await commit();
  } finally {
    if (before === undefined) delete process.env['THYME_DATA_DIR'];
    else process.env['THYME_DATA_DIR'] = before;
  }
  return () => rmSync(folder, { recursive: true, force: true });
}
