import { parseArgs } from 'node:util';
import { RestClient } from '../libs/client/rest-client.js';
import type { Command, CommandContext } from '../libs/cli/command.js';
import { commitModule, moduleArgument, readModule } from '../libs/cli/commit-command.js';
import { failureLines } from '../libs/cli/run-command.js';
import { watchModule } from '../libs/cli/watch-module.js';
import { systemClock } from '../libs/time/clock.js';
import { readyLine, startPlatform, untilStopped } from './serve-command.js';
import { loadServeConfig } from './serve-config.js';

export const dev: Command = {
  name: 'dev',
  summary: 'run the platform on this machine, and commit a module again on each save',
  usage: 'thyme dev FEATURES.ts [--data-dir DIR] [--partitions N]',
  async run(args, { terminal }) {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { 'data-dir': { type: 'string' }, partitions: { type: 'string' } } });
    const file = moduleArgument(positionals);
    const flags = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
    const config = loadServeConfig(flags, { THYME_LOG_LEVEL: 'warn', ...process.env });
    const platform = await startPlatform(config);
    terminal.out(readyLine(platform).trimEnd());
    const client = new RestClient({ apiUrl: platform.restUrl ?? '', ...(config.peerApiKey === undefined ? {} : { apiKey: config.peerApiKey }) });
    const stopping = new AbortController();
    const watching = watchModule({ file, clock: systemClock, signal: stopping.signal, onChange: committer(file, { terminal, client, webUrl: undefined }) });
    await untilStopped(platform, config, async () => {
      stopping.abort();
      await watching;
    });
  },
};

/** Commits the module where it differs from the last one, and says what is wrong with it otherwise; the platform goes on with what it has. */
export function committer(file: string, context: CommandContext): () => Promise<void> {
  let committed: string | undefined;
  return async () => {
    try {
      const module = await readModule(file);
      if (module.bundle.sha256 === committed) return;
      await commitModule(module, context);
      committed = module.bundle.sha256;
    } catch (error) {
      committed = undefined; // put back as it was, it is said to be right again
      for (const line of failureLines(error)) context.terminal.err(line);
      context.terminal.err(`${file} was not committed: mend it and save`);
    }
  };
}
