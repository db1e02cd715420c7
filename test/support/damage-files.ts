import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DAMAGED_BYTES = 400;

/** Flips bits near the beginning of each file of the folder whose name matches: what a failing disk does. Throws where none does. */
export function damageFiles(folder: string, names: RegExp): void {
  const files = readdirSync(folder).filter((name) => names.test(name));
  if (files.length === 0) throw new Error(`${folder} has no file ${String(names)}`);
  for (const name of files) {
    const bytes = readFileSync(join(folder, name));
    for (let i = 0; i < Math.min(DAMAGED_BYTES, bytes.length - 1); i++) bytes.writeUInt8(bytes.readUInt8(i) ^ 0x5a, i);
    writeFileSync(join(folder, name), bytes);
  }
}
