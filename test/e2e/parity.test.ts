// S4 over the wire: what REST and gRPC answer while events arrive, asked again at its `as_of`, is the same bytes.
import { create, toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { QueryRequestSchema, QueryResponseSchema, QueryService } from '../../gen/thyme/v1/query_pb.js';
import { commitFile } from '../../libs/cli/commit-command.js';
import { createClient, openChannel, type RpcChannel } from '../../libs/rpc/client.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, post } from '../support/http.js';

interface Asked {
  readonly featureset: 'FraudSignals' | 'FraudHistory';
  readonly user: string;
  readonly over: 'rest' | 'grpc';
  readonly cartTotal: number;
}

interface Answer {
  readonly asked: Asked;
  readonly asOfUs: number;
  /** The features alone, as they came. */
  readonly bytes: string;
}

const ANSWERS = 10_000;
const OFFLINE_SAMPLE = 1_000;
const ASKERS = 16;
const USERS = 12;
/** Per user, less than are kept raw for percentiles (S9). */
const HISTORY_PER_USER = 60;
/** Events come before their time, so that they are applied when it has come; S4 promises nothing of those that were not. */
const LEAD_US = 1e6;
/** The windows of the example: history lies where it leaves them while the test asks. */
const WINDOWS_US = [3_600e6, 24 * 3_600e6, 7 * 24 * 3_600e6, 30 * 24 * 3_600e6];
/** Batches that must have come, and whose time must have come, before the asking may end. */
const BATCHES_MIN = 8;
const DEADLINE_MS = 240_000;

describe('parity of online and past answers', function () {
  this.timeout(DEADLINE_MS + 60_000);
  let platform: EmbeddedPlatform;
  let channel: RpcChannel;
  let grpc: ServiceHandlers<typeof QueryService>;
  const answers: Answer[] = [];
  /** The time of each batch pushed, µs, increasing; the first `shown` of them are known to be in the answers. */
  const batchTimesUs: number[] = [];
  let shown = 0;
  let ended = false;
  let pusher: Promise<void>;
  let nextAsked = 0;

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 3 });
    channel = openChannel({ target: platform.grpcTarget });
    grpc = createClient(QueryService, channel);
    await commitFile('test/e2e/parity-features.ts', platform.context);
    await push(historyOf(Date.now() * 1_000), true);
    pusher = keepPushing();
    pusher.catch(() => (ended = true)); // awaited, and so reported, in `after`
  });
  after(async () => {
    ended = true;
    await pusher;
    channel.close();
    await platform.stop();
  });

  it(`${ANSWERS} answers over REST and gRPC, while events arrive, are given again byte for byte (S3, S4)`, async () => {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    await Promise.all(Array.from({ length: ASKERS }, () => keepAsking(deadline)));
    expect(answers).to.have.length.at.least(ANSWERS);
    expect(new Set(answers.map(({ bytes }) => bytes)).size, 'different answers').to.be.above(4 * USERS);
    let next = 0;
    await Promise.all(
      Array.from({ length: ASKERS }, async () => {
        for (let answer = answers[next++]; answer !== undefined; answer = answers[next++]) {
          const again = await ask(answer.asked, answer.asOfUs);
          expect(again.asOfUs).to.equal(answer.asOfUs);
          expect(again.bytes, JSON.stringify(answer)).to.equal(answer.bytes);
        }
      }),
    );
  });

  it(`${OFFLINE_SAMPLE} of them stand in a training set, byte for byte (S4)`, async () => {
    const sample = answers.filter(({ asked }) => asked.featureset === 'FraudHistory' && asked.over === 'rest').slice(-OFFLINE_SAMPLE);
    expect(sample).to.have.length(OFFLINE_SAMPLE);
    const queries = sample.map(({ asked, asOfUs }) => ({ entity_id: asked.user, timestamp: formatTimestamp(asOfUs) }));
    const answer = await post(`${platform.url}/features/offline`, { featureset: 'FraudHistory', queries });
    jsonOf(answer);
    const rows = [...answer.text.matchAll(/"features":(\{[^}]*\})/g)].map(([, features]) => features);
    expect(rows).to.deep.equal(sample.map(({ bytes }) => bytes));
  });

  async function keepAsking(deadline: AbortSignal): Promise<void> {
    while (answers.length < ANSWERS || !hasSeenBatches()) {
      if (ended) throw new Error('the events stopped arriving');
      deadline.throwIfAborted();
      const shownBefore = shown;
      const answer = await ask(nextQuestion());
      // A batch whose time had come, and which may not have been applied: S4's exception.
      const pendingUs = batchTimesUs[shownBefore] ?? Number.POSITIVE_INFINITY;
      if (answer.asOfUs < pendingUs) answers.push(answer);
    }
  }

  function hasSeenBatches(): boolean {
    return (answers.at(-1)?.asOfUs ?? 0) > (batchTimesUs[BATCHES_MIN - 1] ?? Number.POSITIVE_INFINITY);
  }

  function nextQuestion(): Asked {
    const i = nextAsked++;
    return {
      user: `user_${i % USERS}`,
      featureset: i % 3 === 0 ? 'FraudSignals' : 'FraudHistory',
      over: i % 5 < 3 ? 'rest' : 'grpc',
      cartTotal: (i % 97) * 12.5,
    };
  }

  function ask(asked: Asked, asOfUs?: number): Promise<Answer> {
    return asked.over === 'rest' ? askRest(asked, asOfUs) : askGrpc(asked, asOfUs);
  }

  async function askRest(asked: Asked, asOfUs: number | undefined): Promise<Answer> {
    const { featureset, user, cartTotal } = asked;
    const inputs = featureset === 'FraudSignals' ? { inputs: { cart_total: cartTotal } } : {};
    const timestamp = asOfUs === undefined ? {} : { timestamp: formatTimestamp(asOfUs) };
    const answer = await post(`${platform.url}/features`, { featureset, entity_id: user, ...inputs, ...timestamp });
    const { as_of: asOf, mode } = jsonOf(answer);
    expect(mode).to.equal(asOfUs === undefined ? 'online' : 'point_in_time');
    return { asked, asOfUs: parseTimestamp(asOf), bytes: /"features":(\{[^}]*\})/.exec(answer.text)?.[1] ?? '' };
  }

  async function askGrpc(asked: Asked, asOfUs: number | undefined): Promise<Answer> {
    const { featureset, user, cartTotal } = asked;
    const inputs =
      featureset === 'FraudSignals' ? { inputs: { cart_total: { kind: { case: 'floatValue', value: cartTotal } as const } } } : {};
    const timestamp = asOfUs === undefined ? {} : { timestampUs: BigInt(asOfUs) };
    const entity = { values: [{ kind: { case: 'stringValue', value: user } as const }] };
    const answer = await grpc.query(create(QueryRequestSchema, { featureset, entity, ...inputs, ...timestamp }), {
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    expect(answer.pointInTime).to.equal(asOfUs !== undefined);
    const features = toBinary(QueryResponseSchema, create(QueryResponseSchema, { features: answer.features }));
    return { asked, asOfUs: Number(answer.asOfUs), bytes: Buffer.from(features).toString('base64') };
  }

  async function keepPushing(): Promise<void> {
    for (let batch = 0; !ended; batch++) {
      const timeUs = Math.max(Date.now() * 1_000 + LEAD_US, (batchTimesUs.at(-1) ?? 0) + USERS);
      const events = [0, 1, 2, 3, 4].map((i) => order((batch * 5 + i) % USERS, timeUs + i, `new ${batch} ${i}`));
      batchTimesUs.push(timeUs);
      await push(events, false);
      shown = batchTimesUs.length;
    }
  }

  /** Resolves once all of them are in the answers (S21). */
  async function push(events: readonly object[], historical: boolean): Promise<void> {
    const { token } = jsonOf(await post(`${platform.url}/api/v1/log`, { dataset: 'Order', events, historical }));
    jsonOf(await post(`${platform.url}/features`, { featureset: 'FraudHistory', entity_id: 'user_0', after: token }));
  }
});

/** Around the far edges of the windows, a tenth of a second apart, so that answers change though nothing comes. */
function historyOf(nowUs: number): object[] {
  return Array.from({ length: USERS * HISTORY_PER_USER }, (_, i) => {
    const windowUs = WINDOWS_US[i % WINDOWS_US.length] ?? 0;
    return order(Math.floor(i / HISTORY_PER_USER), nowUs - windowUs + i * 100_003, `old ${i}`);
  });
}

function order(user: number, timeUs: number, id: string): object {
  const amount = Math.round(((timeUs * 7_919) % 1_000_003) / 7) / 100; // of any size, with fractions that do not add up exactly
  return { user_id: `user_${user}`, order_id: id, amount: amount + 0.01, ordered_at: formatTimestamp(timeUs) };
}
