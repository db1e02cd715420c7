import { RestClient } from '../../libs/client/rest-client.js';
import { command, type CommandContext } from '../../libs/cli/command.js';
import { commitModule } from '../../libs/cli/commit-command.js';
import { moduleArgument, readModule } from '../../libs/cli/definition-module.js';
import { failureLines } from '../../libs/cli/run-command.js';
import { watchModule } from '../../libs/cli/watch-module.js';
import { systemClock } from '../../libs/time/clock.js';
import { readyLine, startPlatform, untilStopped } from './serve-command.js';
import { loadServeConfig } from './serve-config.js';

export const dev = command({
  name: 'dev',
  summary: 'run the platform on this machine, and commit a module again on each save',
  parameters: 'FEATURES.ts',
  positionalsMax: 1,
  flags: {
    'data-dir': { value: 'DIR', about: 'where data lies; .thyme-data where it is absent' },
    partitions: { value: 'N', about: 'how many partitions; 1 where it is absent' },
    remove: { value: 'NAME', many: true, about: 'what somebody else committed and a save may take away: a class, a member, or all' },
  },
  examples: ['thyme dev features.ts'],
  async run({ positionals, flags: { remove: removes = [], ...served } }, { terminal }) {
    const file = moduleArgument(positionals);
    const flags = Object.entries(served).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
    const config = loadServeConfig(flags, { THYME_LOG_LEVEL: 'warn', ...process.env });
    const platform = await startPlatform(config);
    terminal.out(readyLine(platform).trimEnd());
    const client = new RestClient({ apiUrl: platform.restUrl ?? '', apiKey: config.clientKey ?? platform.folderKey });
    const stopping = new AbortController();
    const watching = watchModule({
      file,
      clock: systemClock,
      signal: stopping.signal,
      onChange: committer(file, { terminal, client, webUrl: undefined }, removes),
    });
    await untilStopped(platform, config, async () => {
      stopping.abort();
      await watching;
    });
  },
});

/**
 * Commits the module where it differs from the last one, and says what is wrong with it otherwise; the platform goes on with what it has.
 * What an earlier save defined may go without a question; what somebody else did only where `removes` names it, or a person agrees.
 */
export function committer(file: string, context: CommandContext, removes: readonly string[] = []): () => Promise<void> {
  let committed: string | undefined;
  const own = new Set<string>();
  return async () => {
    try {
      const module = await readModule(file);
      if (module.bundle.sha256 === committed) return;
      await commitModule(module, context, { removes: [...removes, ...own] });
      committed = module.bundle.sha256;
      for (const { name } of [...module.definitions.datasets, ...module.definitions.featuresets]) own.add(name);
    } catch (error) {
      committed = undefined; // put back as it was, it is said to be right again
      for (const line of failureLines(error)) context.terminal.err(line);
      context.terminal.err(`${file} was not committed: mend it and save`);
    }
  };
}
