import { formatTimestamp } from '../../libs/time/timestamp.js';
import { curl, jsonOf, type HttpAnswer } from './http.js';

/** The example module that the records below are for. */
export const EXAMPLE_MODULE = 'infra/examples/features.ts';

const AIRPORTS = ['ATL', 'ORD', 'DEN', "O'Hare, \u00e9\u{1F6EB}", 'JFK'];
const USERS = 9;
const ORDERS = 240;
const FLIGHTS = 400;
const DAY_US = 86_400_000_000;

export interface ExampleRecords {
  readonly orders: readonly object[];
  readonly flights: readonly object[];
  /** The instant that answers are compared at: just after the newest record. */
  readonly at: string;
  /** Later records of one user and one airport, to push when something has been killed. */
  readonly lateOrder: (id: string, amount: number) => object;
}

/** The same records at each call with the same end: they lie in the three days before it, in order of time. */
export function exampleRecords(endUs: number): ExampleRecords {
  const random = lehmer(20_260_101);
  const times = (count: number): number[] =>
    Array.from({ length: count }, () => Math.floor(endUs - 3 * DAY_US * random() ** 3)).sort((a, b) => a - b);
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(items.length * random())];
  return {
    at: formatTimestamp(endUs),
    orders: times(ORDERS).map((us, i) => ({
      user_id: `user_${Math.floor(USERS * random())}`,
      order_id: `o${i}`,
      amount: Math.round(random() ** 4 * 2_000_000) / 100,
      ordered_at: formatTimestamp(us),
    })),
    flights: times(FLIGHTS).map((us) => ({
      origin: pick(AIRPORTS),
      destination: pick(AIRPORTS),
      delay: Math.floor(random() * 120) - 20,
      distance: Math.floor(random() * 2_500),
      departed_at: formatTimestamp(us),
    })),
    lateOrder: (id, amount) => ({ user_id: 'user_0', order_id: id, amount, ordered_at: new Date().toISOString() }),
  };
}

/** Pushes all of them in a few requests; gives the tokens of the last of each dataset (S21). */
export async function pushRecords(
  url: string,
  { orders, flights }: ExampleRecords,
): Promise<{ readonly orders: string; readonly flights: string }> {
  let tokens = { orders: '', flights: '' };
  for (const half of [0, 1]) {
    const events = (records: readonly object[]): readonly object[] =>
      records.slice((half * records.length) / 2, ((half + 1) * records.length) / 2);
    tokens = { orders: await pushEvents(url, 'Order', events(orders)), flights: await pushEvents(url, 'Flight', events(flights)) };
  }
  return tokens;
}

/** The token behind the events. */
export async function pushEvents(url: string, dataset: string, events: readonly object[]): Promise<string> {
  return String(jsonOf(await curl(`${url}/api/v1/log`, { dataset, events })).token);
}

/** Waits until all of a push is in the answers of this address. */
export async function awaitRecords(url: string, tokens: { readonly orders: string; readonly flights: string }): Promise<void> {
  jsonOf(await curl(`${url}/features?entity_type=UserOrderStats&entity_id=user_0&after=${tokens.orders}`));
  jsonOf(await curl(`${url}/features?entity_type=OriginStats&entity_id=ATL&after=${tokens.flights}`));
  jsonOf(await curl(`${url}/features?entity_type=RouteStats&entity.origin=ATL&entity.destination=ORD&after=${tokens.flights}`));
}

/** Every kind of read at fixed instants, as text without what differs from run to run: `freshness`. */
export async function everyAnswer(url: string, { at, flights }: ExampleRecords): Promise<readonly string[]> {
  const user = (i: number) => ({ featureset: 'FraudSignals', entity_id: `user_${i}`, timestamp: at, inputs: { cart_total: 40 * i } });
  const timesOfFlights = flights.filter((_, i) => i % 7 === 0).map((flight) => (flight as { readonly departed_at: string }).departed_at);
  const queries = timesOfFlights.map((timestamp, i) => ({ entity_id: AIRPORTS[i % AIRPORTS.length], timestamp }));
  const routes = AIRPORTS.map((origin, i) => ({ origin, destination: AIRPORTS[(i + 1) % AIRPORTS.length] }));
  const asked: readonly (readonly [string, unknown?])[] = [
    ...Array.from({ length: USERS + 1 }, (_, i) => ['/features', user(i)] as const),
    ...AIRPORTS.map(
      (airport) =>
        [`/features?${new URLSearchParams({ featureset: 'AirportDelay', entity_id: airport, timestamp: at }).toString()}`] as const,
    ),
    ...AIRPORTS.map(
      (airport) =>
        [`/features?${new URLSearchParams({ entity_type: 'OriginStats', entity_id: airport, timestamp: at }).toString()}`] as const,
    ),
    [`/features?entity_type=UserOrderStats&entity_id=user_3&timestamp=${at}`],
    [`/features?featureset=RouteDelay&entity.origin=ATL&entity.destination=ORD&timestamp=${at}`],
    ['/features/batch', { featureset: 'AirportDelay', entity_ids: [...AIRPORTS, 'nowhere'], timestamp: at }],
    ['/features/batch', { featureset: 'RouteDelay', entity_ids: routes, timestamp: at }],
    ['/features/offline', { featureset: 'AirportDelay', queries }],
    [
      '/features/offline',
      { featureset: 'RouteDelay', queries: routes.map((route, i) => ({ entity_id: route, timestamp: timesOfFlights[i] })) },
    ],
  ];
  const answers: string[] = [];
  for (const [path, body] of asked) {
    const answer = body === undefined ? await curl(url + path) : await curl(url + path, body);
    answers.push(`${path}: ${comparable(answer)}`);
  }
  return answers;
}

/** Online answers carry how far the replica was, which is another thing each time. */
function comparable(answer: HttpAnswer): string {
  jsonOf(answer);
  if (!answer.headers.has('x-query-run-id')) throw new Error('a read without X-Query-Run-Id');
  // The text itself, so that floats and the order of features are compared as they were sent.
  return answer.text.replace(/,"freshness":\{[^}]*\}/, '');
}

/** Lehmer's generator with Park and Miller's constants. */
function lehmer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
