import { callBroker } from '../../log/kafka/driver.js';
import type { KafkaCluster } from '../../log/kafka/cluster.js';
import { throwOnCode } from '../../log/kafka/errors.js';
import type { Clock } from '../../time/clock.js';

/** Tools for lag look every few seconds; each note is a request to the group's coordinator. */
const EVERY_US = 5_000_000;
/** Of nobody's generation: the group has no members. */
const NO_GENERATION = -1;

interface CommitAnswer {
  readonly responses: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[];
}

/**
 * Notes in a consumer group how far a topic was published, for tools that show the lag of groups. Nothing is read from there: a note that
 * fails, or is late, changes nothing.
 */
export class GroupOffsets {
  readonly #cluster: KafkaCluster;
  readonly #clock: Pick<Clock, 'nowUs'>;
  readonly #group: string;
  readonly #topic: string;
  #notedUs = 0;
  #failure: string | undefined;

  constructor({ cluster, clock, group, topic }: { cluster: KafkaCluster; clock: Pick<Clock, 'nowUs'>; group: string; topic: string }) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#group = group;
    this.#topic = topic;
  }

  /** Whether it was noted, which it is not before its time; and that it fails, once for each reason. */
  async note(next: Iterable<readonly [number, number]>): Promise<{ readonly isNoted: boolean; readonly notice?: string }> {
    const nowUs = this.#clock.nowUs();
    if (nowUs - this.#notedUs < EVERY_US) return { isNoted: false };
    this.#notedUs = nowUs;
    const before = this.#failure;
    this.#failure = await this.#commit(next).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const isNoted = this.#failure === undefined;
    if (isNoted || this.#failure === before) return { isNoted };
    const notice = `how far '${this.#topic}' was read cannot be noted in group '${this.#group}', where tools for lag look for it: ${this.#failure ?? ''}`;
    return { isNoted, notice };
  }

  async #commit(next: Iterable<readonly [number, number]>): Promise<void> {
    const partitions = Array.from(next, ([partition, offset]) => ({ partition, offset: String(offset), metadata: null }));
    const broker = await this.#cluster.groupCoordinator(this.#group);
    const { responses } = (await callBroker(broker, 'OffsetCommit', {
      groupId: this.#group,
      groupGenerationId: NO_GENERATION,
      memberId: '',
      retentionTime: -1,
      topics: [{ topic: this.#topic, partitions }],
    })) as CommitAnswer; // as kafkajs decodes it
    for (const { errorCode } of responses[0]?.partitions ?? []) throwOnCode(errorCode, `group '${this.#group}'`);
  }
}
