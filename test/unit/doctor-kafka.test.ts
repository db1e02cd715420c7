import { expect } from 'chai';
import { judgeKafka } from '../../libs/cli/doctor-kafka.js';
import type { KafkaSettings, TopicSettings } from '../../libs/log/kafka/settings.js';

const SOUND = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'unclean.leader.election.enable': 'false',
  'min.insync.replicas': '2',
};
const BROKER = {
  'transaction.max.timeout.ms': '900000',
  'group.min.session.timeout.ms': '6000',
  'group.max.session.timeout.ms': '1800000',
  'transaction.state.log.replication.factor': '3',
  'offsets.topic.replication.factor': '3',
};

function topic(changed: Partial<Omit<TopicSettings, 'config'>> = {}, config: Readonly<Record<string, string>> = {}): TopicSettings {
  return { topic: 'thyme.changes', copies: 3, inSync: 3, ...changed, config: new Map(Object.entries({ ...SOUND, ...config })) };
}

function settings(topics: readonly TopicSettings[], broker: Readonly<Record<string, string>> = {}, brokerCount = 3): KafkaSettings {
  const config = new Map(Object.entries({ ...BROKER, ...broker }));
  return { brokerCount, topics, brokers: Array.from({ length: brokerCount }, (_, id) => ({ id, config })) };
}

function judged(found: KafkaSettings, sessionMs = 6_000): readonly (readonly [state: string, detail: string, fix: string | null])[] {
  return judgeKafka(found, { deployment: 'thyme', sessionMs }).map(({ state, detail, fix }) => [state, detail, fix] as const);
}

describe('what doctor says of Kafka', () => {
  it('finds three brokers well whose topics are as we make them', () => {
    expect(judged(settings([topic(), topic()]))).to.deep.equal([['ok', '2 topics on 3 brokers are set as they should be', null]]);
  });

  const ill: readonly (readonly [string, KafkaSettings, number, string, RegExp, RegExp])[] = [
    [
      'too few copies',
      settings([topic({ copies: 1, inSync: 1 })]),
      6_000,
      'warning',
      /^replication factor below 3: thyme\.changes$/,
      /reassign/,
    ],
    ['copies that are behind', settings([topic({ inSync: 2 })]), 6_000, 'warning', /^copies that do not keep up/, /brokers/],
    [
      'one copy that acknowledges',
      settings([topic({}, { 'min.insync.replicas': '1' })]),
      6_000,
      'warning',
      /^min\.insync\.replicas is 1/,
      /=2$/,
    ],
    [
      'all that must',
      settings([topic({}, { 'min.insync.replicas': '3' })]),
      6_000,
      'warning',
      /absence stops writes/,
      /min\.insync\.replicas=2$/,
    ],
    [
      'records that vanish',
      settings([topic({}, { 'retention.ms': '604800000' })]),
      6_000,
      'failed',
      /^retention\.ms is 604800000/,
      /--entity-name thyme\.changes --add-config retention\.ms=-1$/,
    ],
    [
      'records that are compacted away',
      settings([topic({}, { 'cleanup.policy': 'compact' })]),
      6_000,
      'failed',
      /^cleanup\.policy is compact/,
      /cleanup\.policy=delete$/,
    ],
    [
      'transactions that are refused',
      settings([topic()], { 'transaction.max.timeout.ms': '9000' }),
      6_000,
      'failed',
      /^transaction\.max\.timeout\.ms is below 15000.*at broker 0, 1, 2$/,
      /900000/,
    ],
    [
      'a session longer than a transaction',
      settings([topic()]),
      18_000,
      'warning',
      /^THYME_SESSION_TIMEOUT_MS is 18000, above the 15000 ms/,
      /15000 or less/,
    ],
    [
      'a session that brokers refuse',
      settings([topic()]),
      3_000,
      'failed',
      /^group\.min\.session\.timeout\.ms refuses sessions of 3000 ms/,
      /=3000/,
    ],
    [
      'transactions kept once',
      settings([topic()], { 'transaction.state.log.replication.factor': '1' }),
      6_000,
      'warning',
      /^transaction\.state\.log/,
      /=3 /,
    ],
    ['another deployment', settings([]), 6_000, 'warning', /^no topic of deployment 'thyme'/, /THYME_DEPLOYMENT/],
  ];
  for (const [title, found, sessionMs, state, detail, fix] of ill) {
    it(`tells ${title}, with the fix, and nothing else`, () => {
      const [[told, words, mended] = [], ...more] = judged(found, sessionMs);
      expect([told, more]).to.deep.equal([state, []]);
      expect(words).to.match(detail);
      expect(mended).to.match(fix);
    });
  }

  it('names three topics, and counts the others', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((name) => topic({ topic: name }, { 'retention.bytes': '1' }));
    expect(judged(settings(many))[0]?.[1]).to.equal('retention.bytes is 1, and records vanish: a, b, c and 2 more');
  });
});
