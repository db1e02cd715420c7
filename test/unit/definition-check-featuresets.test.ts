import { t, valueTypeOf } from '../../libs/definition/type-words.js';
import {
  ENTITY,
  order,
  user,
  stats,
  feature,
  COUNT,
  extractor,
  signals,
  type Case,
  other,
  FROM,
  refusesEach,
} from './definition-check-module.js';

const FEATURESETS: readonly Case[] = [
  ['one id twice', { featuresets: [signals([COUNT, { ...COUNT, name: 'n2' }])] }, 'Signals.n2', "its id 2 is that of 'n' too"],
  ['an id of 0', { featuresets: [signals([{ ...COUNT, id: 0 }])] }, 'Signals.n', 'its id is 0'],
  ['a feature twice', { featuresets: [signals([COUNT, { ...COUNT, id: 3 }])] }, 'Signals.n', 'it is declared twice'],
  [
    'a feature named entity_id',
    { featuresets: [signals([{ ...COUNT, name: 'entity_id' }])] },
    'Signals.entity_id',
    'is a column of every answer',
  ],
  [
    'a feature named timestamp',
    { featuresets: [signals([{ ...COUNT, name: 'timestamp' }])] },
    'Signals.timestamp',
    'is a column of every answer',
  ],
  [
    'an entity that is no feature',
    { featuresets: [signals([COUNT], [], { entity: ['usr_id'] })] },
    'Signals.usr_id',
    'it is the entity, but there is no such feature',
  ],
  ['no entity', { featuresets: [signals([], [], { entity: [] })] }, 'Signals', 'its entity is empty'],
  [
    'a float entity',
    { featuresets: [{ ...signals([]), features: [{ ...ENTITY, type: valueTypeOf(t.float) }] }] },
    'Signals.user_id',
    'the entity cannot be t.float',
  ],
  [
    'an entity that is an input',
    { featuresets: [{ ...signals([]), features: [{ ...ENTITY, input: true }] }] },
    'Signals.user_id',
    'it is the entity, which every query brings',
  ],
  ['a feature without producer', { featuresets: [signals([feature('m', 3)])] }, 'Signals.m', 'nothing produces it'],
  [
    'a ref to no dataset',
    { featuresets: [signals([{ ...COUNT, ref: { dataset: 'Stat', field: 'n' } }])] },
    'Signals.n',
    "'Stat', which is no dataset",
  ],
  [
    'a ref to no field',
    { featuresets: [signals([{ ...COUNT, ref: { dataset: 'Stats', field: 'nn' } }])] },
    'Signals.n',
    "'Stats.nn', which is no field",
  ],
  ['a ref without an index', { datasets: [order(), user(), stats({ index: false })] }, 'Signals.n', "'Stats', which is not indexed"],
  [
    'a ref of another type',
    { featuresets: [signals([{ ...COUNT, ref: { dataset: 'Stats', field: 'spend' } }])] },
    'Signals.n',
    'it is declared t.int, but Stats.spend is t.float',
  ],
  [
    'a nullable ref without default',
    { featuresets: [signals([{ ...COUNT, type: valueTypeOf(t.float), ref: { dataset: 'Stats', field: 'top' } }])] },
    'Signals.n',
    'Stats.top may be null, and there is no default',
  ],
  [
    'a ref to a raw dataset without default',
    { featuresets: [signals([{ ...COUNT, type: valueTypeOf(t.string), ref: { dataset: 'User', field: 'user_id' } }])] },
    'Signals.n',
    'User.user_id may be null',
  ],
  [
    'a ref by another entity',
    { featuresets: [{ ...signals([COUNT]), features: [{ ...ENTITY, type: valueTypeOf(t.int) }, COUNT] }] },
    'Signals.n',
    'Stats has the key (user_id: t.string), and Signals the entity (user_id: t.int)',
  ],
  ['both ref and input', { featuresets: [signals([{ ...COUNT, input: true }])] }, 'Signals.n', 'more than one of @input, ref and from'],
  [
    'two producers',
    { featuresets: [signals([feature('m', 3)], [extractor('a', ['user_id'], ['m']), extractor('b', ['user_id'], ['m'])])] },
    'Signals.m',
    "the extractors 'a' and 'b' both produce it",
  ],
  [
    'an extractor of a ref',
    { featuresets: [signals([COUNT], [extractor('a', ['user_id'], ['n'])])] },
    'Signals.n',
    "it has a ref, and the extractor 'a' produces it too",
  ],
  [
    'an extractor of the entity',
    { featuresets: [signals([COUNT], [extractor('a', ['n'], ['user_id'])])] },
    'Signals.user_id',
    'it is the entity, and the extractor',
  ],
  [
    'an extractor with an unknown input',
    { featuresets: [signals([feature('m', 3)], [extractor('a', ['usr_id'], ['m'])])] },
    'Signals.a',
    "its inputs name 'usr_id'",
  ],
  [
    'an extractor with an unknown output',
    { featuresets: [signals([COUNT], [extractor('a', ['n'], ['q'])])] },
    'Signals.a',
    "its outputs name 'q'",
  ],
  ['an extractor without outputs', { featuresets: [signals([COUNT], [extractor('a', ['n'], [])])] }, 'Signals.a', 'it has no outputs'],
  [
    'two extractors of one name',
    {
      featuresets: [signals([feature('m', 3), feature('o', 4)], [extractor('a', ['user_id'], ['m']), extractor('a', ['user_id'], ['o'])])],
    },
    'Signals.a',
    'two extractors have this name',
  ],
  [
    'a cycle',
    { featuresets: [signals([feature('a', 3), feature('b', 4)], [extractor('x', ['a'], ['b']), extractor('y', ['b'], ['a'])])] },
    'Signals.a',
    'it needs itself: Signals.a ← Signals.b ← Signals.a',
  ],
  [
    'a cycle over featuresets',
    {
      featuresets: [
        signals([feature('m', 3, { from: { featureset: 'Other', feature: 'm' } })]),
        other([feature('m', 3, { from: { featureset: 'Signals', feature: 'm' } })]),
      ],
    },
    'Signals.m',
    'it needs itself',
  ],
  [
    'a from of no featureset',
    { featuresets: [signals([{ ...FROM, from: { featureset: 'Othr', feature: 'n' } }])] },
    'Signals.m',
    "'Othr', which is no featureset",
  ],
  ['a from of no feature', { featuresets: [signals([FROM]), other([])] }, 'Signals.m', "'Other.n', which is no feature"],
  [
    'a from of another type',
    { featuresets: [signals([FROM]), other([{ ...COUNT, type: valueTypeOf(t.float), ref: { dataset: 'Stats', field: 'spend' } }])] },
    'Signals.m',
    'it is declared t.int, but Other.n is t.float',
  ],
  [
    'a nullable from without default',
    { featuresets: [signals([FROM]), other([{ ...COUNT, type: valueTypeOf(t.int.optional) }])] },
    'Signals.m',
    'Other.n may be null',
  ],
  [
    'a from that needs an input',
    {
      featuresets: [
        signals([FROM]),
        other([feature('n', 2), feature('sent', 3, { input: true })], { extractors: [extractor('x', ['sent'], ['n'])] }),
      ],
    },
    'Signals.m',
    "needs the input 'Other.sent'",
  ],
  [
    'a from by another entity',
    { featuresets: [signals([FROM]), { ...other([COUNT]), entity: ['user_id', 'n'] }] },
    'Signals.m',
    'Other has the key (user_id: t.string, n: t.int)',
  ],
];

describe('checkDefinitions: featuresets', () => {
  refusesEach(FEATURESETS);
});
