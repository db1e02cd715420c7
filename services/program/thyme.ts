#!/usr/bin/env node
// The one program: `thyme serve` runs the platform or some of its roles, every other command is a client of it.
import { runCommand } from '../../libs/cli/run-command.js';
import { COMMANDS } from './commands.js';

/** All that is to be ended in order has been by then. */
const LEFT_OPEN_MS = 2_000;

// Whoever reads a pipe may have seen enough: `thyme status | head` is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
process.exitCode = await withConnectors().then(
  () => runCommand(COMMANDS, process.argv.slice(2), process.env),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  },
);
// What is left, such as an acquisition that the brokers do not answer, holds no process that was told to end.
setTimeout(() => process.exit(), LEFT_OPEN_MS).unref();

/** Connectors of others are known before a command reads definitions that name them; who has none waits for nothing. */
async function withConnectors(): Promise<void> {
  if ((process.env.THYME_CONNECTORS ?? '') === '') return;
  const { loadConnectors } = await import('./load-connectors.js');
  await loadConnectors(process.env);
}
