// Run before the package is packed: what was compiled of sources that are gone stays in dist/, and would be packed as well.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dist = join(root, 'dist');
/** The console's page and the search of the documentation, which were bundled just now, have no sources of their names. */
const BUNDLED = [join('services', 'console', 'bundle'), 'docs'];

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const compiled = /^(.*)(?:\.js|\.d\.ts|\.js\.map)$/.exec(entry.name);
  if (!entry.isFile() || compiled === null) continue;
  const folder = relative(dist, entry.parentPath ?? entry.path);
  if (BUNDLED.includes(folder)) continue;
  const source = join(root, folder, `${compiled[1]}`);
  if (!['.ts', '.tsx', '.js'].some((ending) => existsSync(`${source}${ending}`))) rmSync(join(dist, folder, entry.name));
}
