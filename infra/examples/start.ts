// `npm start`: the whole platform in this process, the examples committed, real data read by a source.
//
//   committed-examples.ts - commits the examples where nothing is committed yet
//   flight-file.ts        - writes the file that the source of the flights reads, once
//   flight-progress.ts    - shows how far that has come
//   order-generator.ts    - orders of a made-up shop, for as long as the platform runs
//   query-greeting.ts     - queries to paste
//
// Each step looks at what is in the platform, so a start that ended anywhere is finished by the next one.
import { fileURLToPath } from 'node:url';
import type { CommandContext } from '../../libs/cli/command.js';
import { failureLines, processTerminal } from '../../libs/cli/run-command.js';
import { RestClient, RestError } from '../../libs/client/rest-client.js';
import { createEnv } from '../../libs/config/env.js';
import { systemClock } from '../../libs/time/clock.js';
import type { Platform } from '../../services/program/platform.js';
import { readyLine, startPlatform, untilStopped } from '../../services/program/serve-command.js';
import { loadServeConfig } from '../../services/program/serve-config.js';
import { commitWhereAbsent } from './committed-examples.js';
import { flightFile, type FlightFile } from './flight-file.js';
import { watchFlights } from './flight-progress.js';
import { generateOrders } from './order-generator.js';
import { greeting } from './query-greeting.js';

const EXAMPLES = fileURLToPath(new URL('./features.ts', import.meta.url));
/** Three weeks of them. */
const FLIGHTS = 200_000;

try {
  await start();
} catch (error) {
  for (const line of failureLines(error)) processTerminal.err(line);
  process.exitCode = 1;
}

async function start(): Promise<void> {
  const config = loadServeConfig([], { THYME_LOG_LEVEL: 'warn', ...process.env });
  const flights = createEnv(process.env).integer('THYME_EXAMPLE_FLIGHTS', { fallback: FLIGHTS, min: 1, max: 3_000_000 });
  const platform = await startPlatform(config);
  processTerminal.out(readyLine(platform).trimEnd());
  const client = new RestClient({ apiUrl: platform.restUrl ?? '', apiKey: config.clientKey ?? platform.folderKey });
  processTerminal.out(await consoleLine(client, platform));
  const stopping = new AbortController();
  const examples = runExamples(
    { terminal: processTerminal, client, webUrl: undefined },
    { flights, dataDir: config.dataDir, platform },
    stopping.signal,
  );
  await untilStopped(
    { done: Promise.race([platform.done, failureOf(examples)]), stop: (options) => platform.stop(options) },
    config,
    async () => {
      stopping.abort();
      await examples.catch(() => undefined); // it is what ended the platform, or of no more interest
    },
  );
}

/** Where the console is; with a link that brings a key, where this process has one to ask for it with. */
async function consoleLine(client: RestClient, { restUrl = '' }: Platform): Promise<string> {
  try {
    const { body } = await client.post('/api/v1/console/links', {});
    return `Console: ${restUrl}/#link=${(body as { readonly link: string }).link} (opens once, within an hour)`; // the cast: as OpenAPI promises
  } catch (error) {
    if (!(error instanceof RestError) || (error.status !== 401 && error.status !== 403)) throw error;
    return `Console: ${restUrl}/`;
  }
}

interface Examples {
  readonly flights: number;
  readonly dataDir: string;
  readonly platform: Platform;
}

/** Until the signal; rejects where a step before the orders fails. */
async function runExamples(context: CommandContext, { flights, dataDir, platform }: Examples, signal: AbortSignal): Promise<void> {
  const { terminal, client } = context;
  // Before the commit: the source finds it at its first look, and counts it as history.
  const file = (): Promise<FlightFile> => flightFile({ dataDir, flights, nowUs: systemClock.nowUs() });
  if (!(await commitWhereAbsent(EXAMPLES, context, file))) {
    terminal.out(
      `The definitions in ${dataDir} are not those of the examples, and stay as they are. For the examples: THYME_DATA_DIR=FOLDER npm start`,
    );
    return;
  }
  await watchFlights({ context, clock: systemClock, signal, flights: (await file()).flights });
  if (signal.aborted) return;
  const orders = generateOrders(client, systemClock, signal);
  terminal.out(await greeting(client, { url: platform.restUrl ?? '', dataDir }));
  await orders.catch((error: unknown) => terminal.err(`the order generator ended: ${String(error)}`));
}

/** Never resolves. */
function failureOf(work: Promise<void>): Promise<never> {
  return new Promise((_, reject) => void work.catch(reject));
}
