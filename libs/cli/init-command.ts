import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { command, CommandError } from './command.js';
import { ownFile } from './own-file.js';
import { VERSION } from './version.js';

/** By its name in the package: npm leaves out what is called .gitignore, and takes a package.json for a package. */
const RENAMED: ReadonlyMap<string, string> = new Map([['gitignore', '.gitignore']]);
const PACKAGE_TEMPLATE = 'package-template.json';

type Entries = Readonly<Record<string, string>>;

interface PackageJson {
  readonly name?: string;
  readonly type?: string;
  readonly scripts?: Entries;
  readonly dependencies?: Entries;
  readonly devDependencies?: Entries;
}

export const init = command({
  name: 'init',
  summary: 'make a project: features, a test of them, data, scripts',
  parameters: '[FOLDER]',
  positionalsMax: 1,
  flags: { from: { value: 'SPEC', about: 'where npm installs thyme from, such as a tarball; this version where it is absent' } },
  examples: ['npx thyme init my-features', 'npx thyme init . --from ../thyme-0.1.0.tgz'],
  async run({ positionals: [folder = '.'], flags: { from } }, { terminal, json = false }) {
    const written = await makeProject(resolve(folder), from ?? `^${VERSION}`);
    if (json) {
      terminal.out(JSON.stringify({ folder: resolve(folder), written }, null, 2));
      return;
    }
    terminal.out(`Made ${written.join(', ')}${folder === '.' ? '' : ` in ${folder}`}. Now:\n`);
    if (folder !== '.') terminal.out(`  cd ${folder}`);
    terminal.out('  npm install');
    terminal.out('  npm test                  # the features on rows of the test, without a server');
    terminal.out('  npm run dev               # the platform, on this machine; in another terminal:');
    terminal.out('  npm run load && npm run query');
  },
});

/**
 * Gives the names of the files that it wrote. Writes none where one of them is there already, but for package.json, which gets
 * what it lacks.
 */
export async function makeProject(folder: string, thyme: string): Promise<readonly string[]> {
  const template = ownFile('infra/templates/project');
  const files = (await readdir(template)).filter((name) => name !== PACKAGE_TEMPLATE);
  const there = files.map(nameOf).filter((name) => existsSync(join(folder, name)) && name !== '.gitignore');
  if (there.length > 0) throw new CommandError(`${there.join(', ')}: there already, so nothing was written: name another folder`);
  const manifest = await readPackage(join(folder, 'package.json'));
  const wanted = JSON.parse(await readFile(join(template, PACKAGE_TEMPLATE), 'utf8')) as PackageJson;
  if (manifest?.type === 'commonjs' && (await holdsPrograms(folder)))
    throw new CommandError(`package.json says "type": "commonjs", and features are ES modules: name another folder, such as features`);
  await mkdir(folder, { recursive: true });
  const written = ['package.json'];
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(completed(manifest, wanted, { folder, thyme }), null, 2)}\n`);
  for (const file of files) {
    const path = join(folder, nameOf(file));
    if (existsSync(path)) continue; // a .gitignore of the author's own
    await copyFile(join(template, file), path);
    written.push(nameOf(file));
  }
  return written;
}

function nameOf(file: string): string {
  return RENAMED.get(file) ?? file;
}

async function readPackage(path: string): Promise<PackageJson | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as PackageJson;
  } catch (error) {
    throw new CommandError(`${path}: this is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `npm init -y` says commonjs of a folder without a program, where nothing speaks against another type. */
async function holdsPrograms(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => /\.[jt]sx?$/.test(name));
}

/** What is there stays; an author's own script of the same name too. */
function completed(
  there: PackageJson = {},
  wanted: PackageJson,
  { folder, thyme }: { readonly folder: string; readonly thyme: string },
): object {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  const own = Object.fromEntries(Object.entries(there.scripts ?? {}).filter(([, script]) => !script.includes('no test specified')));
  return {
    ...(there.name === undefined ? { name: name === '' ? 'features' : name } : {}),
    ...wanted,
    ...there,
    type: 'module',
    scripts: { ...wanted.scripts, ...own },
    dependencies: { thyme, ...there.dependencies },
    devDependencies: { ...wanted.devDependencies, ...there.devDependencies },
  };
}
