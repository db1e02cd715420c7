import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Replacement } from './bugs.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['libs', 'services', 'gen', 'proto', 'test', 'infra', 'package.json', 'tsconfig.json'];

/** A copy of the source tree, in which bugs may be planted: the product's own files are never touched. */
export class TreeCopy {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<TreeCopy> {
    const folder = await mkdtemp(join(tmpdir(), 'thyme-planted-'));
    for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    return new TreeCopy(folder);
  }

  /** Resolves to what undoes it. Throws where a text is not there exactly once: the bug is no longer the bug it was. */
  async plant(replacements: readonly Replacement[]): Promise<() => Promise<void>> {
    const before = new Map<string, string>();
    for (const { file, find, replace } of replacements) {
      const path = join(this.folder, file);
      const text = await readFile(path, 'utf8');
      const found = text.split(find).length - 1;
      if (found !== 1) throw new Error(`${file} has this ${found} times, and must have it once:\n${find}`);
      if (!before.has(path)) before.set(path, text);
      await writeFile(
        path,
        text.replace(find, () => replace),
      );
    }
    return async () => {
      for (const [path, text] of before) await writeFile(path, text);
    };
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
