import type { Command, CommandEntry } from '../../libs/cli/command.js';

// Every command of the program, each in a file of its own, which is imported when the command is called: so `thyme --help` waits for
// none of them, and `thyme query` not for a platform. That the summaries are the commands' own, a test says.

function entry(name: string, summary: string, load: () => Promise<Command>): CommandEntry {
  return { name, summary, load };
}

export const COMMANDS: readonly CommandEntry[] = [
  entry(
    'init',
    'make a project: features, a test of them, data, scripts',
    async () => (await import('../../libs/cli/init-command.js')).init,
  ),
  entry('serve', 'run the platform, or some of its roles', async () => (await import('./serve-command.js')).serve),
  entry(
    'dev',
    'run the platform on this machine, and commit a module again on each save',
    async () => (await import('./dev-command.js')).dev,
  ),
  entry('plan', 'what a commit of a module would change', async () => (await import('../../libs/cli/plan-command.js')).plan),
  entry('commit', 'commit a module of definitions', async () => (await import('../../libs/cli/commit-command.js')).commit),
  entry(
    'log',
    'push the events of a file (CSV, NDJSON, parquet, Arrow; compressed too), each once',
    async () => (await import('../../libs/cli/log-command.js')).log,
  ),
  entry(
    'query',
    'features of one or more entities, now or at a past instant',
    async () => (await import('../../libs/cli/query-command.js')).query,
  ),
  entry(
    'query-offline',
    'a training set: features of many (entity, instant) pairs',
    async () => (await import('../../libs/cli/query-offline-command.js')).queryOffline,
  ),
  entry('lookup', 'the row of a dataset, without extractors', async () => (await import('../../libs/cli/lookup-command.js')).lookup),
  entry(
    'inspect',
    'one dataset, pipeline or featureset: what it is, what it is made of, how it does',
    async () => (await import('../../libs/cli/inspect-command.js')).inspect,
  ),
  entry(
    'codegen',
    'write a typed client of what is committed, in TypeScript or Python',
    async () => (await import('../../libs/cli/codegen-command.js')).codegen,
  ),
  entry('status', 'what is committed and how far the pipelines are', async () => (await import('../../libs/cli/status-command.js')).status),
  entry(
    'logs',
    'what happened lately: commits, take-overs, damage, troubles of sources, dead letters',
    async () => (await import('../../libs/cli/logs-command.js')).logs,
  ),
  entry(
    'runs',
    'query runs: what was asked, by whom, and how it went; show one, or replay it',
    async () => (await import('../../libs/cli/runs-command.js')).runs,
  ),
  entry(
    'erase',
    'erase entities from a dataset and from what was computed of it',
    async () => (await import('../../libs/cli/erase-command.js')).erase,
  ),
  entry(
    'sources',
    'what fills datasets from outside, and how it does; test, pause, resume and reset it',
    async () => (await import('../../libs/cli/source-commands.js')).sources,
  ),
  entry('keys', 'create, list and revoke API keys', async () => (await import('../../libs/cli/keys-command.js')).keys),
  entry(
    'doctor',
    'what is wrong with a deployment, or soon will be, and what to do',
    async () => (await import('../../libs/cli/doctor-command.js')).doctor,
  ),
  entry('completion', 'a script by which a shell completes commands and flags', async () =>
    (await import('../../libs/cli/completion-command.js')).completionOf(COMMANDS),
  ),
  entry('version', 'which version of thyme this is, and of Node', async () => (await import('../../libs/cli/version-command.js')).version),
];
