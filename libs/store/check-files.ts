import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FileDamage, requireIntact } from './file-damage.js';
import { readManifest } from './manifest.js';
import { checkTable } from './table-check.js';
import { checkWriteAhead } from './write-ahead-check.js';

/**
 * What is compared before a store opens: some half a second of work. A store that is larger opens when so much of it has been found
 * sound, and the rest is compared while it is worked.
 */
const BYTES_BEFORE_OPENING = 256 * 1_024 * 1_024;

/** Compares the files of a closed LevelDB with their checksums, since LevelDB itself does not when it reads them. */
export async function checkFiles(folder: string): Promise<{ readonly rest: readonly string[] }> {
  const { logs, tables } = await liveFiles(folder);
  for (const name of logs) await check(folder, name, (file) => checkWriteAhead(file, name === logs.at(-1)));
  let bytes = 0;
  for (const [i, name] of tables.entries()) {
    bytes += (await stat(join(folder, name))).size;
    if (bytes > BYTES_BEFORE_OPENING) return { rest: tables.slice(i) };
    await check(folder, name, checkTable);
  }
  return { rest: [] };
}

/** The tables that were left, while the store is open: they never change, and one that is gone was compacted away. */
export async function checkTables(folder: string, names: readonly string[], signal: AbortSignal): Promise<void> {
  for (const name of names) {
    if (signal.aborted) return;
    await check(folder, name, checkTable).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
}

/**
 * Those that the manifest names: what else lies there was not finished, or is to be removed. A table that is missing
 * LevelDB finds itself.
 */
async function liveFiles(folder: string): Promise<{ readonly logs: readonly string[]; readonly tables: readonly string[] }> {
  const names = (await namesIn(folder)).sort(byNumber);
  checkComplete(names);
  if (!names.includes('CURRENT')) return { logs: [], tables: [] };
  const manifest = (await readFile(join(folder, 'CURRENT'), 'latin1')).trim();
  requireIntact(names.includes(manifest) && manifest.startsWith('MANIFEST-'), 'CURRENT names no manifest that there is');
  const { tables, logNumberMin, previousLog } = readManifest(await readFile(join(folder, manifest)));
  const isLog = (number: number): boolean => number >= logNumberMin || number === previousLog;
  return {
    logs: names.filter((name) => name.endsWith('.log') && isLog(Number.parseInt(name, 10))),
    tables: names.filter((name) => /\.(ldb|sst)$/.test(name) && tables.has(Number.parseInt(name, 10))),
  };
}

/** Without CURRENT, LevelDB would begin anew among what is there, and say nothing. */
function checkComplete(names: readonly string[]): void {
  const hasState = names.some((name) => /\.(ldb|sst|log)$|^MANIFEST-/.test(name));
  requireIntact(!hasState || names.includes('CURRENT'), 'CURRENT is missing');
}

async function check(folder: string, name: string, compare: (file: Uint8Array) => void | Promise<void>): Promise<void> {
  const file = await readFile(join(folder, name));
  try {
    await compare(file);
  } catch (error) {
    throw error instanceof FileDamage ? new FileDamage(`${name}: ${error.message}`) : error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
