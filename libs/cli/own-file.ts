import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of this package by its path from the root, whether this runs from source or from `dist/`. */
export function ownFile(path: string): string {
  const root = ['../../', '../../../'].map((up) => new URL(up, import.meta.url)).find((url) => existsSync(new URL('package.json', url)));
  if (root === undefined) throw new Error('this package has lost its package.json: install it again');
  return fileURLToPath(new URL(path, root));
}
