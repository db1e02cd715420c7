import type { RestClient } from '../../libs/client/rest-client.js';
import { systemClock } from '../../libs/time/clock.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { writeCarts } from './training-carts.js';

const DAY_US = 86_400e6;

export interface GreetingOptions {
  /** Base of the REST interface. */
  readonly url: string;
  readonly dataDir: string;
}

/** A first answer, and queries to paste; the file that one of them names is written. */
export async function greeting(client: RestClient, { url, dataDir }: GreetingOptions): Promise<string> {
  const yesterday = formatTimestamp(Math.floor(systemClock.nowUs() - DAY_US));
  const cli = url === 'http://127.0.0.1:8080' ? 'npx thyme' : `THYME_API_URL=${url} npx thyme`;
  const carts = writeCarts(dataDir, systemClock.nowUs() / 1_000);
  const { body } = await client.get('/features', { featureset: 'AirportDelay', entity_id: 'ATL' });
  return `
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

  # a training set: carts of the last minutes, each with what was known of its shopper then
  ${cli} query-offline FraudSignals -i ${carts} --known-at timestamp

Ctrl-C stops the platform; its data stays in ${dataDir}.`;
}
