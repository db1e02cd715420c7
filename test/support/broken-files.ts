import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One way in which a disk, or somebody on it, breaks the folder of a LevelDB that has a table and a log of several batches. */
export interface Breakage {
  readonly name: string;
  readonly apply: (folder: string) => void;
}

export const BREAKAGES: readonly Breakage[] = [
  { name: 'a byte of a table has flipped', apply: (folder) => flipByte(join(folder, oneOf(folder, /\.ldb$/)), 0.3) },
  { name: 'a table is cut short', apply: (folder) => truncateSync(join(folder, oneOf(folder, /\.ldb$/)), 100) },
  { name: 'a table is empty', apply: (folder) => truncateSync(join(folder, oneOf(folder, /\.ldb$/)), 0) },
  { name: 'a table is missing', apply: (folder) => rmSync(join(folder, oneOf(folder, /\.ldb$/))) },
  { name: 'CURRENT is garbage', apply: (folder) => writeFileSync(join(folder, 'CURRENT'), 'garbage\n') },
  { name: 'CURRENT is empty', apply: (folder) => writeFileSync(join(folder, 'CURRENT'), '') },
  { name: 'CURRENT is missing', apply: (folder) => rmSync(join(folder, 'CURRENT')) },
  {
    name: 'CURRENT is a folder',
    apply: (folder) => {
      rmSync(join(folder, 'CURRENT'));
      mkdirSync(join(folder, 'CURRENT'));
    },
  },
  { name: 'the manifest is missing', apply: (folder) => rmSync(join(folder, oneOf(folder, /^MANIFEST-/))) },
  { name: 'the manifest is garbage', apply: (folder) => writeFileSync(join(folder, oneOf(folder, /^MANIFEST-/)), 'x'.repeat(500)) },
  {
    name: 'a file lies where the folder should',
    apply: (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, 'no folder');
    },
  },
];

export function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file);
  const index = Math.min(bytes.length - 1, Math.floor(at * bytes.length));
  bytes.writeUInt8(bytes.readUInt8(index) ^ 0x41, index);
  writeFileSync(file, bytes);
}

function oneOf(folder: string, name: RegExp): string {
  const found = readdirSync(folder).find((each) => name.test(each));
  if (found === undefined) throw new Error(`${folder} has no file ${String(name)}`);
  return found;
}
