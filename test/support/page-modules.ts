// The code that a page of docs/ shows: read, type-checked and run as it stands there.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface CodeBlock {
  /** As behind the opening fence; empty where nothing is said. */
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of `docs/<page>.md`, in their order. */
export function codeBlocks(page: string): readonly CodeBlock[] {
  return blocksIn(readFileSync(`docs/${page}.md`, 'utf8'));
}

/** The same by the page's sections: what stands before the first `##`, and under each. */
export function sectionBlocks(page: string): readonly (readonly CodeBlock[])[] {
  return readFileSync(`docs/${page}.md`, 'utf8')
    .split(/^(?=## )/m)
    .map(blocksIn);
}

/** A text with a diff made to it, which shows lines that stay with a blank before them. Throws where it does not fit at one place. */
export function applyDiff(text: string, diff: string): string {
  const lines = diff.replace(/\n$/, '').split('\n');
  const side = (sign: '-' | '+'): string =>
    lines.flatMap((line) => (line === '' ? [''] : line[0] === ' ' || line[0] === sign ? [line.slice(1)] : [])).join('\n');
  const parts = `\n${text}`.split(`\n${side('-')}\n`);
  if (parts.length !== 2) throw new Error(`it fits at ${parts.length - 1} places:\n${diff}`);
  return parts.join(`\n${side('+')}\n`).slice(1);
}

/** Those of one language. */
export function codeOf(page: string, language: string): readonly string[] {
  return codeBlocks(page)
    .filter((block) => block.language === language)
    .map(({ code }) => code);
}

function blocksIn(text: string): readonly CodeBlock[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', code = '']) => ({ language, code }));
}

/** A folder in which `thyme` is this program, since it lies within the repository; git ignores it. `remove` ends it. */
export class ModuleFolder {
  readonly path: string;

  constructor(name: string) {
    this.path = `test/.docs-${name}`;
    mkdirSync(this.path, { recursive: true });
  }

  write(file: string, code: string): string {
    const path = join(this.path, file);
    writeFileSync(path, code);
    return path;
  }

  /** What tsc says of all modules here under this repository's own strictness; nothing where they are right. */
  async typeErrors(): Promise<string> {
    const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as {
      readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly string[]>> };
    };
    const paths = Object.fromEntries(Object.entries(compilerOptions.paths).map(([name, [path = '']]) => [name, [`../../${path}`]]));
    this.write('tsconfig.json', JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: { paths }, include: ['*.ts'] }));
    const checking = promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', this.path]);
    const { stdout } = await checking.catch((error: unknown) => error as { readonly stdout: string }); // what execFile fails with holds what was printed
    return stdout;
  }

  /** Runs a module of the folder; gives what it printed, and rejects where it fails, such as at an assertion. */
  async run(file: string): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(this.path, file)]);
    return stdout;
  }

  /** Runs modules one after another in one process. Rejects at the first whose assertions do not hold. */
  async runAll(files: readonly string[]): Promise<void> {
    const imports = files.map((file) => `await import('./${file.replace(/\.ts$/, '.js')}');\nconsole.log('held ${file}');`).join('\n');
    this.write('all.ts', `export {};\n${imports}\n`);
    const held = (await this.run('all.ts')).match(/^held .*$/gm) ?? [];
    if (held.length !== files.length) throw new Error(`of ${files.length} modules ${held.length} ran to their end`);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
