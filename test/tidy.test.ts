import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect } from 'chai';

/** What each folder may import, beside itself. Dependencies point down only (DESIGN 3). */
const ground = ['libs/time', 'libs/errors', 'libs/schema', 'libs/codec', 'libs/config', 'libs/lifecycle'];
const domain = [...ground, 'libs/expression', 'libs/definition', 'libs/timeline', 'libs/pipeline'];
const durable = [...domain, 'libs/log', 'libs/store', 'libs/change', 'libs/replica', 'libs/wire', 'libs/feature', 'gen'];
const edges = [...durable, 'libs/rpc', 'libs/rest', 'libs/telemetry', 'libs/client', 'libs/cli'];

/** Each third-party library is imported in one place (DESIGN 3). Tests may import what they test with. */
const homeOf: ReadonlyMap<string, string> = new Map([
  ['level', 'libs/store/'], ['kafkajs', 'libs/log/'], ['@grpc/grpc-js', 'libs/rpc/'], ['@opentelemetry/api', 'libs/telemetry/'],
  ['apache-arrow', 'libs/rest/'], ['esbuild', 'libs/definition/'], ['tdigest', 'libs/timeline/'], ['hyparquet', 'libs/cli/'], ['hyparquet-compressors', 'libs/cli/'],
]);

const LINES_MAX = 400;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourceFiles(): SourceFile[] {
  const paths = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], { encoding: 'utf8' }).trim().split('\n');
  return paths.filter((path) => !path.startsWith('gen/')).map((path) => {
    const text = readFileSync(path, 'utf8');
    const imports = [...text.matchAll(/^(?:import|export)\s[^;]*?from\s+'([^']+)'/gm)].map((match) => match[1] ?? '');
    return { path, text, imports };
  });
}

/** `libs/time` for `libs/time/clock.ts`; `services/query` alike. */
function folderOf(path: string): string {
  return path.split('/').slice(0, path.startsWith('libs/') || path.startsWith('services/') ? 2 : 1).join('/');
}

function mayImport(from: string): readonly string[] {
  if (from.startsWith('services/')) return edges;
  if (ground.includes(from)) return ground;
  if (domain.includes(from)) return domain;
  if (durable.includes(from)) return durable;
  return [...edges, 'services', 'infra'];
}

describe('tidy', () => {
  const files = sourceFiles();
  const production = files.filter((file) => /^(libs|services)\//.test(file.path));

  it('imports point down only, and services never import each other', () => {
    const wrong = production.flatMap((file) => file.imports.filter((name) => name.startsWith('.')).map((name) => {
      const target = folderOf(normalize(join(dirname(file.path), name)));
      const from = folderOf(file.path);
      const composes = /^services\/[^/]+\.ts$/.test(file.path); // the roles' composition itself
      return composes || target === from || mayImport(from).includes(target) ? undefined : `${file.path} imports ${target}`;
    })).filter((line) => line !== undefined);
    expect(wrong).to.deep.equal([]);
  });

  it('each third-party library is imported in one place', () => {
    const wrong = production.flatMap((file) => file.imports
      .filter((name) => { const home = homeOf.get(name); return home !== undefined && !file.path.startsWith(home); })
      .map((name) => `${file.path} imports ${name}`));
    expect(wrong).to.deep.equal([]);
  });

  it(`no file is longer than ${LINES_MAX} lines`, () => {
    expect(files.filter((file) => file.text.split('\n').length > LINES_MAX).map((file) => file.path)).to.deep.equal([]);
  });

  it('no index.ts, no utils, no console, no untracked TODO, no any', () => {
    const wrong = files.filter((file) => /(^|\/)(index|utils?)\.ts$/.test(file.path)).map((file) => file.path);
    for (const file of production) {
      if (/\bconsole\.|\/\/ *TODO\b/.test(file.text)) wrong.push(`${file.path}: console or TODO`);
      const code = file.text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
      if (!file.path.startsWith('libs/definition/') && /(:|<|as) any\b/.test(code)) wrong.push(`${file.path}: any`);
    }
    expect(wrong).to.deep.equal([]);
  });

  it('the lock file keeps no addresses', () => {
    expect(readFileSync('package-lock.json', 'utf8')).to.not.contain('"resolved"');
  });
});
