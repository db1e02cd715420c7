import type { CommandContext } from '../../libs/cli/command.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Clock } from '../../libs/time/clock.js';

const LOOK_EVERY_MS = 200;

export interface FlightProgressOptions {
  readonly context: CommandContext;
  readonly clock: Clock;
  /** How many flights the source's file has. */
  readonly flights: number;
  readonly signal: AbortSignal;
}

/** What of `/api/v1/status` says how far the source and the pipelines behind it have come. */
interface Status {
  readonly sources: readonly SourceState[];
  readonly pipelines: readonly { readonly name: string; readonly input_datasets: readonly string[] }[];
  readonly jobs: readonly { readonly name: string; readonly progress: { readonly lag: number; readonly read: number } }[];
}

interface SourceState {
  readonly dataset: string;
  readonly state: string;
  readonly cause: string | null;
  readonly rows: number;
}

/**
 * Shows how far the source of Flight has come, until all flights are in the features, or the signal aborts. Rejects where the
 * source stands still. A source goes on where an earlier start was ended, so nothing is to be done for that here.
 */
export async function watchFlights({ context, clock, flights, signal }: FlightProgressOptions): Promise<void> {
  const { terminal, client } = context;
  while (!signal.aborted) {
    const status = (await client.get('/api/v1/status')).body as Status; // the cast: the shape that the platform's own OpenAPI promises
    const source = status.sources.find(({ dataset }) => dataset === 'Flight');
    if (source?.state === 'stopped')
      throw new ThymeError('THYME_EXAMPLE_STOPPED', 'FAILED_PRECONDITION', `the source of Flight stands still: ${source.cause ?? ''}`);
    const rows = source?.rows ?? 0;
    terminal.progress(`${rows} of ${flights} flights are read from their file`);
    if (rows >= flights && haveRead(status, flights)) {
      terminal.out(`${rows} flights are in Flight`);
      return;
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** Whether each pipeline over the flights has read them all. */
function haveRead({ pipelines, jobs }: Status, flights: number): boolean {
  const names = new Set(pipelines.filter(({ input_datasets }) => input_datasets.includes('Flight')).map(({ name }) => name));
  return jobs.filter(({ name }) => names.has(name)).every(({ progress: { lag, read } }) => lag === 0 && read >= flights);
}
