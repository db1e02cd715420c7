import { TRANSACTION_MS_MAX } from '../log/kafka/producer-id.js';
import { SESSION_MS } from '../log/kafka/kafka-membership.js';
import { readKafkaOptions } from '../log/kafka/options.js';
import { readKafkaSettings, type KafkaSettings, type TopicSettings } from '../log/kafka/settings.js';
import { REPLICAS_MAX, REQUIRED } from '../log/kafka/topics.js';
import type { Env } from '../config/env.js';
import type { Finding } from './doctor-finding.js';

// Whether Kafka is set as the log needs it. Looked at from here, by the variables that the deployment's own processes are started with.

/** Names that a finding lists; the others are counted. */
const NAMES_MAX = 3;
/** As the processes take it (services/program/serve-config.ts). */
const SESSION_MS_LIMITS = { min: 2_000, max: 20_000 };

/** Nothing where no brokers are named: then the log is not in Kafka, or not known to be. */
export async function kafkaFindings(env: Env): Promise<readonly Finding[]> {
  const deployment = env.text('THYME_DEPLOYMENT', { fallback: 'thyme' });
  const connect = readKafkaOptions(env, `thyme-${deployment}-doctor`);
  if (connect === undefined) return [];
  const sessionMs = env.integer('THYME_SESSION_TIMEOUT_MS', { fallback: SESSION_MS, ...SESSION_MS_LIMITS });
  return judgeKafka(await readKafkaSettings(connect, deployment), { deployment, sessionMs });
}

export function judgeKafka(
  settings: KafkaSettings,
  { deployment, sessionMs }: { readonly deployment: string; readonly sessionMs: number },
): readonly Finding[] {
  const { topics, brokerCount } = settings;
  if (topics.length === 0)
    return [
      finding(
        'warning',
        `no topic of deployment '${deployment}' is there`,
        'say which by THYME_DEPLOYMENT, or start a registry, which makes them',
      ),
    ];
  const found = [
    ...copies(settings),
    ...insync(settings),
    ...retention(topics),
    ...transactions(settings, sessionMs),
    ...sessions(settings, sessionMs),
  ];
  return found.length > 0 ? found : [finding('ok', `${topics.length} topics on ${brokerCount} brokers are set as they should be`, null)];
}

function finding(state: Finding['state'], detail: string, fix: string | null): Finding {
  return { check: 'kafka', state, detail, fix };
}

/** One copy more than may be lost at a time. */
function copies({ brokerCount, topics, brokers }: KafkaSettings): readonly Finding[] {
  const wanted = Math.min(REPLICAS_MAX, brokerCount);
  const few = topics.filter((of) => of.copies < wanted);
  const behind = topics.filter((of) => of.inSync < of.copies);
  const ofBrokers = ['transaction.state.log.replication.factor', 'offsets.topic.replication.factor'].filter((name) =>
    brokers.some(({ config }) => Number(config.get(name) ?? wanted) < wanted),
  );
  return [
    ...(brokerCount < REPLICAS_MAX
      ? [
          finding(
            'warning',
            `there is ${brokerCount === 1 ? 'one broker' : `${brokerCount} brokers`}: a disk that is lost may take acknowledged records with it`,
            `run ${REPLICAS_MAX} brokers where records matter`,
          ),
        ]
      : []),
    ...(few.length > 0
      ? [
          finding(
            'warning',
            `replication factor below ${wanted}: ${namesOf(few)}`,
            `kafka-reassign-partitions.sh with ${wanted} replicas for each partition`,
          ),
        ]
      : []),
    ...(behind.length > 0
      ? [
          finding(
            'warning',
            `copies that do not keep up: ${namesOf(behind)}`,
            'look at the brokers that are away or slow: until they are back, another loss stops writes',
          ),
        ]
      : []),
    ...ofBrokers.map((name) =>
      finding(
        'warning',
        `${name} is below ${wanted}: its broker's loss stops all transactions`,
        `${name}=${wanted} in the brokers' configuration, and reassign the topic that is there`,
      ),
    ),
  ];
}

/** Two of three: then one broker may be away without stopping writes, and be lost without losing any. */
function insync({ topics }: KafkaSettings): readonly Finding[] {
  const insyncOf = ({ config }: TopicSettings): number => Number(config.get('min.insync.replicas') ?? 1);
  const loose = topics.filter((of) => of.copies > 1 && insyncOf(of) < 2);
  const tight = topics.filter((of) => of.copies > 1 && insyncOf(of) >= of.copies);
  return [
    ...(loose.length > 0 ? [finding('warning', `min.insync.replicas is 1: ${namesOf(loose)}`, alter(loose, 'min.insync.replicas=2'))] : []),
    ...(tight.length > 0
      ? [
          finding(
            'warning',
            `min.insync.replicas is as many as there are copies, so that one broker's absence stops writes: ${namesOf(tight)}`,
            alter(tight, `min.insync.replicas=${Math.max(1, (tight[0]?.copies ?? 2) - 1)}`),
          ),
        ]
      : []),
  ];
}

/** Nothing vanishes from the log but by our own hand: a process that starts refuses such a topic. */
function retention(topics: readonly TopicSettings[]): readonly Finding[] {
  return Object.entries(REQUIRED).flatMap(([name, wanted]) => {
    const wrong = topics.filter(({ config }) => (config.get(name) ?? wanted) !== wanted);
    const [first] = wrong;
    if (first === undefined) return [];
    return [
      finding(
        'failed',
        `${name} is ${first.config.get(name) ?? ''}, and records vanish: ${namesOf(wrong)}`,
        alter(wrong, `${name}=${wanted}`),
      ),
    ];
  });
}

function transactions({ brokers }: KafkaSettings, sessionMs: number): readonly Finding[] {
  const refusing = brokers.filter(({ config }) => Number(config.get('transaction.max.timeout.ms') ?? Infinity) < TRANSACTION_MS_MAX);
  return [
    ...(refusing.length > 0
      ? [
          finding(
            'failed',
            `transaction.max.timeout.ms is below ${TRANSACTION_MS_MAX}, which every writer asks for, at broker ${refusing.map(({ id }) => id).join(', ')}`,
            `transaction.max.timeout.ms=900000 in the brokers' configuration`,
          ),
        ]
      : []),
    ...(sessionMs > TRANSACTION_MS_MAX
      ? [
          finding(
            'warning',
            `THYME_SESSION_TIMEOUT_MS is ${sessionMs}, above the ${TRANSACTION_MS_MAX} ms of a transaction: what a dead owner has begun is ended before its partitions are taken over, and one that pauses loses its tick`,
            `THYME_SESSION_TIMEOUT_MS=${TRANSACTION_MS_MAX} or less`,
          ),
        ]
      : []),
  ];
}

function sessions({ brokers }: KafkaSettings, sessionMs: number): readonly Finding[] {
  const bound = (name: string, fallback: number, isOutside: (limit: number) => boolean): readonly Finding[] => {
    const refusing = brokers.filter(({ config }) => isOutside(Number(config.get(name) ?? fallback)));
    if (refusing.length === 0) return [];
    return [
      finding(
        'failed',
        `${name} refuses sessions of ${sessionMs} ms at broker ${refusing.map(({ id }) => id).join(', ')}`,
        `${name}=${sessionMs} in the brokers' configuration, or another THYME_SESSION_TIMEOUT_MS`,
      ),
    ];
  };
  return [
    ...bound('group.min.session.timeout.ms', 0, (limit) => limit > sessionMs),
    ...bound('group.max.session.timeout.ms', Infinity, (limit) => limit < sessionMs),
  ];
}

function namesOf(topics: readonly TopicSettings[]): string {
  const shown = topics.slice(0, NAMES_MAX).map(({ topic }) => topic);
  return topics.length > shown.length ? `${shown.join(', ')} and ${topics.length - shown.length} more` : shown.join(', ');
}

function alter(topics: readonly TopicSettings[], config: string): string {
  const each = topics.length > 1 ? ', and the same for the others' : '';
  return `kafka-configs.sh --alter --entity-type topics --entity-name ${topics[0]?.topic ?? ''} --add-config ${config}${each}`;
}
