import { API_KEYS, callBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { KAFKA_CODE, throwOnCode } from './errors.js';
import { flexibleRequest, NO_TAGS, text, varint } from './flexible-message.js';

/** The version of Metadata that tells ids (Kafka 2.8). */
const VERSION = 10;
const ID_BYTES = 16;
/** Auto-creation off, and nobody's authorized operations; the tags of the request. */
const NO_MORE = Buffer.of(0, 0, 0, 0);

/**
 * What tells this topic from another one of its name: `topic:<id>`, which is another after it was made anew; from brokers that know no ids
 * `cluster:<id>`, which tells clusters apart alone. NOT_FOUND-like codes are thrown as KafkaAnswerError.
 *
 *   request = | tags 0 | count + 1 | id 16 x 0, name, tags 0 | no creation 0 | 0 | 0 | tags 0 |
 */
export async function topicIdentity(cluster: KafkaCluster, topic: string): Promise<string> {
  const broker = await cluster.any();
  if ((broker.versions?.[API_KEYS.Metadata]?.maxVersion ?? 0) < VERSION) {
    const { clusterId } = (await callBroker(broker, 'Metadata', { topics: [topic], allowAutoTopicCreation: false })) as {
      readonly clusterId?: string | null; // as kafkajs decodes it
    };
    return `cluster:${clusterId ?? ''}`;
  }
  const body = Buffer.concat([NO_TAGS, varint(2), Buffer.alloc(ID_BYTES), text(topic), NO_TAGS, NO_MORE]);
  const { errorCode, id } = (await broker.connectionPool.send(
    flexibleRequest(
      'Metadata',
      body,
      (from) => {
        from.skip(4); // throttle time
        from.list(() => {
          from.skip(4); // node id
          from.text();
          from.skip(4); // port
          from.text();
          from.tags();
        });
        from.text(); // cluster
        from.skip(4); // controller
        const [found] = from.list(() => {
          const code = from.i16();
          from.text();
          return { errorCode: code, id: from.bytes(ID_BYTES).toString('hex') }; // the only topic: what follows it is not read
        });
        return found ?? { errorCode: KAFKA_CODE.unknownTopic, id: '' };
      },
      VERSION,
    ),
  )) as { readonly errorCode: number; readonly id: string }; // as decoded here
  throwOnCode(errorCode, `topic '${topic}'`);
  return `topic:${id}`;
}
