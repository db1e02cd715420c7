import type { CommandContext } from './command.js';

/** On standard error, so that results can be piped: the run, and where to look at it. */
export function footer({ terminal, webUrl }: CommandContext, runId: string | undefined): void {
  if (runId === undefined) return;
  terminal.err(`Query run: ${runId}`);
  if (webUrl !== undefined) terminal.err(`Results: ${webUrl}/query-runs/${runId}`);
}
