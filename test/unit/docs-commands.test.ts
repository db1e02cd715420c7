// Each command of `thyme` that a document shows is one that there is, with flags that it has.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { readCall } from '../../libs/cli/command-line.js';
import { COMMANDS } from '../../services/program/commands.js';
import { trackedFiles } from '../tidy/source-files.js';

/** Up to what is the shell's, the text's or a comment. */
const SHOWN = /\bnpx thyme ([a-z][^`|<>#\n]*)/g;
const WORD = /"[^"]*"|'[^']*'|\S+/g;

describe('commands in documents', () => {
  const shown = trackedFiles(['README.md', 'docs/*.md', 'infra/*.md', 'services/*.md']).flatMap((document) =>
    [...readFileSync(document, 'utf8').matchAll(SHOWN)].map(([, call = '']) => ({ document, call: call.trim() })),
  );

  it('are there, and take what they are given', async () => {
    expect(shown.length).to.be.at.least(60);
    const wrong: string[] = [];
    for (const { document, call } of shown) {
      // Brackets and ellipses stand for what may be left out, or be more.
      const [name, ...words] = (call.match(WORD) ?? []).map((word) => word.replace(/^["'[]+|["'\]]+$/g, '')).filter((word) => word !== '…');
      const entry = COMMANDS.find((command) => command.name === name);
      if (entry === undefined) wrong.push(`${document}: no command is called ${name ?? ''}`);
      else
        try {
          readCall(await entry.load(), words);
        } catch (error) {
          wrong.push(`${document}: npx thyme ${call}: ${(error as Error).message}`);
        }
    }
    expect(wrong).to.deep.equal([]);
  });
});
