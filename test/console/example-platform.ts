import { commitModule } from '../../libs/cli/commit-command.js';
import { readModule } from '../../libs/cli/definition-module.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { systemClock } from '../../libs/time/clock.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { EXAMPLE_MODULE, exampleRecords } from '../support/example-records.js';
import { jsonOf, post } from '../support/http.js';

export interface ExamplePlatform {
  readonly platform: EmbeddedPlatform;
  /** The last instant of the records. */
  readonly endUs: number;
  /** Before the late order of `user_0` came in, and after all others had. */
  readonly knownUs: number;
}

const HOUR_US = 3_600e6;

/** The examples, flights and orders of three days, and an order of half an hour ago that came in last. */
export async function startExamples(): Promise<ExamplePlatform> {
  const platform = await startEmbeddedPlatform();
  const module = await readModule(EXAMPLE_MODULE);
  // Without the source of `npm start`: the flights are pushed here.
  await commitModule({ ...module, definitions: { ...module.definitions, sources: [] } }, platform.context);
  const endUs = Math.floor(systemClock.nowUs());
  const { orders, flights } = exampleRecords(endUs);
  await push(platform, 'Flight', flights);
  const token = await push(platform, 'Order', orders);
  await features(platform, { featureset: 'FraudSignals', entity_id: 'user_0', inputs: { cart_total: 1 }, after: token });
  const knownUs = Math.floor(systemClock.nowUs());
  const late = { user_id: 'user_0', order_id: 'late', amount: 77_777, ordered_at: formatTimestamp(endUs - HOUR_US / 2) };
  const lateToken = await push(platform, 'Order', [late]);
  await features(platform, { featureset: 'FraudSignals', entity_id: 'user_0', inputs: { cart_total: 1 }, after: lateToken });
  return { platform, endUs, knownUs };
}

/** Gives the push's token. */
export async function push({ url }: EmbeddedPlatform, dataset: string, events: readonly object[]): Promise<string> {
  return String(jsonOf(await post(`${url}/api/v1/log`, { dataset, events })).token);
}

/** What REST answers. */
export async function features({ url }: EmbeddedPlatform, body: object): Promise<Readonly<Record<string, unknown>>> {
  return jsonOf(await post(`${url}/features`, body)).features as Readonly<Record<string, unknown>>;
}
