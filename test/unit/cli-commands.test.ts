import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { COMPLETION_SCRIPTS } from '../../libs/cli/completion-scripts.js';
import { helpOf, readCall } from '../../libs/cli/command-line.js';
import type { Command, Terminal } from '../../libs/cli/command.js';
import { failureLines, runCommand } from '../../libs/cli/run-command.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { COMMANDS } from '../../services/program/commands.js';

describe('the commands', function () {
  this.timeout(60_000);
  let loaded: readonly Command[];
  before(async () => {
    loaded = await Promise.all(COMMANDS.map((entry) => entry.load()));
  });

  async function run(...args: readonly string[]): Promise<readonly [code: number, out: string, err: string]> {
    const [out, err]: [string[], string[]] = [[], []];
    const terminal: Terminal = { out: (line) => void out.push(line), err: (line) => void err.push(line), progress: () => undefined };
    const code = await runCommand(COMMANDS, args, {}, terminal);
    return [code, out.join('\n'), err.join('\n')];
  }

  it('are listed by the names and summaries that are their own', () => {
    expect(COMMANDS.map(({ name, summary }) => [name, summary])).to.deep.equal(loaded.map(({ name, summary }) => [name, summary]));
  });

  it('describe every flag, and give examples that can be read', () => {
    for (const command of loaded) {
      const help = helpOf(command);
      for (const [name, { about }] of Object.entries(command.flags)) {
        expect(help, command.name).to.include(`--${name}`);
        expect(about, `${command.name} --${name}`).to.have.length.greaterThan(10);
      }
      expect(command.examples, command.name).to.not.be.empty;
      for (const example of command.examples) {
        const words = /\bthyme (\S+)([^|>)]*)/.exec(example);
        expect(words?.[1], example).to.equal(command.name);
        const args = (words?.[2] ?? '').match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [];
        expect(readCall(command, args), example).to.have.property('call');
      }
    }
  });

  it('say what was meant by a misspelt command or flag: exit 2', async () => {
    const [code, out, err] = await run('qury', 'F');
    expect([code, out]).to.deep.equal([2, '']);
    expect(err).to.match(/^no command is called 'qury'; did you mean 'query'\?/);
    const [flagCode, , flagErr] = await run('query', 'F', '-e', 'a', '--known-t', 'x');
    expect(flagCode).to.equal(2);
    expect(flagErr)
      .to.match(/^unknown option '--known-t'[^]*--known-at/)
      .and.include('\n\n  thyme query FEATURESET -e ENTITY [options]');
    expect((await run('status', '--url', 'nowhere'))[0]).to.equal(2);
    expect((await run('query', 'F', '-e'))[2]).to.match(/--entity <ENTITY>' argument missing/);
  });

  it('lead from a rule that a failure cites to where it is told, a file that is there', () => {
    const lines = failureLines(
      new ThymeError('THYME_X', 'FAILED_PRECONDITION', "raise the version (S19, S25a); an object of S3 (S3's own) is no rule"),
    );
    expect(lines.slice(1)).to.deep.equal(['  S19: docs/rules.md#s19', '  S25a: docs/rules.md#s25a']);
    expect(readFileSync('docs/rules.md', 'utf8')).to.match(/^## S25a$/m);
    expect(failureLines(new ThymeError('THYME_X', 'FAILED_PRECONDITION', 'no rule at all'))).to.have.lengthOf(1);
  });

  it('say their help, and which version they are of: exit 0', async () => {
    for (const args of [
      ['help', 'query'],
      ['query', '--help'],
      ['query', '-h'],
    ] as const) {
      const [code, out] = await run(...args);
      expect(code).to.equal(0);
      expect(out).to.match(/^Usage: thyme query FEATURESET -e ENTITY \[options\][^]*--at <TIME>[^]*--json[^]*Examples:\n {2}thyme query/);
    }
    expect((await run('--version'))[1]).to.match(/^\d+\.\d+\.\d+$/);
  });

  it('complete in shells that read the scripts', async () => {
    for (const [shell, script] of COMPLETION_SCRIPTS) {
      expect((await run('completion', shell))[1]).to.equal(script(loaded));
      for (const { name, flags } of loaded) {
        expect(script(loaded)).to.include(name);
        for (const flag of Object.keys(flags)) expect(script(loaded), shell).to.match(new RegExp(`(--|-l )${flag}\\b`));
      }
    }
    const bash = `${COMPLETION_SCRIPTS.get('bash')?.(loaded) ?? ''}
      COMP_WORDS=(thyme query-o); COMP_CWORD=1; _thyme; echo "\${COMPREPLY[@]}"
      COMP_WORDS=(thyme log Flight --his); COMP_CWORD=3; _thyme; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', bash], { encoding: 'utf8' })).to.equal('query-offline\n--historical\n');
  });
});
