import { readFile, writeFile } from 'node:fs/promises';
import { committedOf } from './codegen/committed.js';
import { pythonClient } from './codegen/python-client.js';
import { typescriptClient } from './codegen/typescript-client.js';
import { command, CommandError, UsageError } from './command.js';
import { ownFile } from './own-file.js';

export const codegen = command({
  name: 'codegen',
  summary: 'write a typed client of what is committed, in TypeScript or Python',
  parameters: 'ts|python',
  positionalsMax: 1,
  flags: { out: { value: 'FILE', short: 'o', about: 'where it is written; standard output where it is absent' } },
  examples: ['thyme codegen ts -o thyme-features.ts', 'thyme codegen python -o thyme_features.py'],
  async run({ positionals: [language], flags: { out } }, { client, terminal }) {
    if (language !== 'ts' && language !== 'python') throw new UsageError('say in which language: ts or python');
    const committed = committedOf((await client.get('/api/v1/status')).body);
    const { text, leftOut } =
      language === 'ts'
        ? typescriptClient(committed)
        : { text: pythonClient(committed, await readFile(ownFile('infra/templates/python/thyme_client.py'), 'utf8')), leftOut: [] };
    for (const reason of leftOut) terminal.err(`left out: ${reason}`);
    if (out === undefined) {
      terminal.out(text.trimEnd());
      return;
    }
    await writeOut(out, text);
    const { featuresets, datasets, revision } = committed;
    terminal.err(`${out}: ${featuresets.length} featureset(s) and ${datasets.length} dataset(s) of revision ${revision.id}`);
  },
});

async function writeOut(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new CommandError(`${path}: it cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
