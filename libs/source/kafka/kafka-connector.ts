// A topic of Apache Kafka as a stream of rows.
//
//   kafka-settings.ts     - how the cluster is reached; kafka-error.ts
//   topic-reader.ts       - partitions by offset; fetch-pump.ts asks their leaders
//   topic-position.ts     - how far each was read
//   group-offsets.ts      - the same, noted where tools for lag look
//   message-batch.ts      - the bytes of messages
//   message-rows.ts       - messages as rows, changes and tombstones
//   payload.ts            - JSON; registry-decoder.ts, registry-client.ts: by a schema registry
//   avro-values.ts, protobuf-values.ts, connect-values.ts - values as JSON can say them, exactly
import { KafkaCluster } from '../../log/kafka/cluster.js';
import type { KafkaConnectOptions } from '../../log/kafka/driver.js';
import { stableEnd, startOffset } from '../../log/kafka/offsets.js';
import type { Clock } from '../../time/clock.js';
import { type Connector, type SourceTest, UnreadableRow } from '../connector.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { GroupOffsets } from './group-offsets.js';
import { kafkaSourceError, topicMissing } from './kafka-error.js';
import { kafkaOptionsOf } from './kafka-settings.js';
import { MessageRows } from './message-rows.js';
import { jsonDecoder, type PayloadDecoder } from './payload.js';
import { openRegistry } from './registry-client.js';
import { RegistryDecoder } from './registry-decoder.js';
import { TopicReader } from './topic-reader.js';

const FORMATS = ['json', 'avro', 'protobuf'] as const;

/** `environment` says where the platform's own cluster is, for sources that name no brokers. */
export function kafkaConnector(clock: Clock, environment: Readonly<Record<string, string | undefined>> = {}): Connector {
  const open = async (
    settings: SourceSettings,
    tests = false,
  ): Promise<{ reader: TopicReader; cluster: KafkaCluster; options: KafkaConnectOptions }> => {
    const options = await kafkaOptionsOf(settings, environment);
    const rows = await messageRows(settings);
    const cluster = new KafkaCluster(options, clock);
    const topic = textParameter(settings, 'topic');
    const group = settings.parameters.get('groupId')?.toString();
    const noted = group === undefined || tests ? {} : { group: new GroupOffsets({ cluster, clock, group, topic }) };
    return { reader: new TopicReader({ cluster, clock, brokers: options.brokers, topic, rows, ...noted }), cluster, options };
  };
  return {
    name: 'kafka',
    // Not its brokers, which move, nor how it is spoken to: which topic it is, the cluster itself tells (TopicPosition).
    fingerprint: (settings) => JSON.stringify(['kafka', textParameter(settings, 'topic')]),
    async open(settings, signal) {
      const { reader, cluster, options } = await open(settings);
      try {
        await withinSignal(cluster.brokerCount(), signal);
        return reader;
      } catch (error) {
        await reader.close();
        throw kafkaSourceError('its cluster cannot be reached', error, options.brokers);
      }
    },
    async test(settings, signal) {
      const { reader, cluster, options } = await open(settings, true);
      const steps: SourceTest['steps'][number][] = [];
      try {
        return await testTopic({ settings, cluster, reader, options, steps, signal });
      } catch (error) {
        const what = ['reached', 'topic', 'may read'][steps.length] ?? 'may read';
        const { message } = kafkaSourceError('it failed', error, options.brokers);
        return { steps: [...steps, { what, ok: false, detail: settings.redact(message) }] };
      } finally {
        await reader.close();
      }
    },
  };
}

async function messageRows(settings: SourceSettings): Promise<MessageRows> {
  const { source, dataset, parameters } = settings;
  const given = String(parameters.get('format') ?? 'json').toLowerCase();
  const format = FORMATS.find((known) => known === given);
  if (format === undefined)
    throw new SourceError(
      'stop',
      'THYME_SOURCE_PARAMETER',
      `format of ${source.dataset}'s kafka source: '${given}' is none of ${FORMATS.join(', ')}`,
    );
  const usesRegistry = format !== 'json' || parameters.get('schemaRegistryUrl') !== undefined;
  const keys: PayloadDecoder = usesRegistry ? new RegistryDecoder(await openRegistry(settings), settings) : jsonDecoder;
  const values = format === 'json' ? jsonDecoder : keys;
  return new MessageRows({ topic: textParameter(settings, 'topic'), dataset, cdc: source.cdc, values, keys });
}

interface TopicTest {
  readonly settings: SourceSettings;
  readonly cluster: KafkaCluster;
  readonly reader: TopicReader;
  readonly options: KafkaConnectOptions;
  readonly steps: SourceTest['steps'][number][];
  readonly signal: AbortSignal;
}

/** Its first message, read as any other, by a reader that nothing is committed of. */
async function testTopic({ settings, cluster, reader, options, steps, signal }: TopicTest): Promise<SourceTest> {
  const topic = textParameter(settings, 'topic');
  const brokers = await withinSignal(cluster.brokerCount(), signal);
  steps.push({ what: 'reached', ok: true, detail: `${options.brokers.join(',')}, ${brokers} broker(s)` });
  const described = await cluster.describe(topic);
  if (described === undefined) throw topicMissing(topic, options.brokers);
  let offsets = 0;
  for (const partition of described.leaders.keys())
    offsets += (await stableEnd(cluster, { topic, partition })) - (await startOffset(cluster, { topic, partition }));
  steps.push({ what: 'topic', ok: true, detail: `${described.leaders.length} partition(s), up to ${offsets} messages` });
  if (offsets === 0) return { steps: [...steps, { what: 'may read', ok: true, detail: 'there are no messages yet' }] };
  const reading = AbortSignal.any([signal, AbortSignal.timeout(SAMPLE_MS_MAX)]);
  for await (const { rows } of reader.read(undefined, { rowsMax: 1, bytesMax: 1 }, reading)) {
    const [row] = rows;
    if (row === undefined) continue;
    if (row.input instanceof UnreadableRow)
      return { steps: [...steps, { what: 'may read', ok: false, detail: `${row.place} ${row.input.reason}` }] };
    return { steps: [...steps, { what: 'may read', ok: true, detail: row.place }], sample: row.input };
  }
  return { steps: [...steps, { what: 'may read', ok: true, detail: 'there are no messages that are committed' }] };
}

const SAMPLE_MS_MAX = 10_000;

/** Connections have deadlines of their own; who no longer waits for one lets it go. */
async function withinSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  return Promise.race([work, ended]).finally(() => signal.removeEventListener('abort', stop));
}
