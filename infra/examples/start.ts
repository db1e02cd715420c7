// `npm start`: the whole platform in this process, two examples committed, real data replayed into it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commitFile } from '../../libs/cli/commit-command.js';
import type { CommandContext } from '../../libs/cli/command.js';
import { pushFile } from '../../libs/cli/log-command.js';
import { processTerminal } from '../../libs/cli/run-command.js';
import { RestClient } from '../../libs/client/rest-client.js';
import { systemClock } from '../../libs/time/clock.js';
import { readyLine, startPlatform, untilStopped } from '../../services/serve-command.js';
import { loadServeConfig } from '../../services/serve-config.js';
import { flightsFile } from './flights-data.js';
import { generateOrders } from './order-generator.js';

const FLIGHTS = 200_000;

const config = loadServeConfig([], { THYME_LOG_LEVEL: 'warn', ...process.env });
const isFirstStart = !existsSync(config.dataDir);
const platform = await startPlatform(config);
const url = platform.restUrl ?? '';
const context: CommandContext = { terminal: processTerminal, client: new RestClient({ apiUrl: url }), webUrl: undefined };
process.stdout.write(readyLine(platform));

await commitFile(fileURLToPath(new URL('./features.ts', import.meta.url)), context);
if (isFirstStart) await replayFlights();
const stopping = new AbortController();
const orders = generateOrders(context.client, systemClock, stopping.signal).catch((error: unknown) => processTerminal.err(`the order generator ended: ${String(error)}`));
await printQueries();
try {
  await untilStopped(platform, config, async () => {
    stopping.abort();
    await orders;
  });
} catch (error) {
  processTerminal.err(String(error));
  process.exitCode = 1;
}

/** The first flights of the file, moved so that the newest departs now: online windows are then alive. */
async function replayFlights(): Promise<void> {
  const shiftToNowUs = Math.floor(systemClock.nowUs());
  const renames = new Map([['date', 'departed_at']]);
  const token = await pushFile({ dataset: 'Flight', input: flightsFile(), limit: FLIGHTS, renames, shiftToNowUs, historical: true }, context);
  // Read-your-writes (S21): the queries below then see every flight.
  await context.client.get('/features', { featureset: 'AirportDelay', entity_id: 'ATL', after: token });
}

async function printQueries(): Promise<void> {
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  const cli = url === 'http://127.0.0.1:8080' ? 'npx thyme' : `THYME_API_URL=${url} npx thyme`;
  const { body } = await context.client.get('/features', { featureset: 'AirportDelay', entity_id: 'ATL' });
  processTerminal.out(`
Atlanta now:
${JSON.stringify((body as { readonly features: unknown }).features, null, 2)}

Ask yourself, in another terminal:

  # an airport now
  ${cli} query AirportDelay -e ATL
  curl -s '${url}/features?featureset=AirportDelay&entity_id=ATL'

  # the same airport as of yesterday, to the microsecond
  ${cli} query AirportDelay -e ATL --at ${yesterday}
  curl -s '${url}/features?featureset=AirportDelay&entity_id=ATL&timestamp=${yesterday}'

  # a route, whose key are two fields
  ${cli} query RouteDelay -e origin=ATL,destination=ORD

  # is this shopper suspicious? The cart comes with the question; orders arrive all the time
  ${cli} query FraudSignals -e user_0 --inputs '{"cart_total": 900}'
  curl -s '${url}/features' -H 'content-type: application/json' -d '{"featureset": "FraudSignals", "entity_id": "user_0", "inputs": {"cart_total": 900}}'

Ctrl-C stops the platform; its data stays in ${config.dataDir}.`);
}
