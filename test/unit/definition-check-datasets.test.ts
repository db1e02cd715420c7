import { fieldsOf, t } from '../../libs/definition/type-words.js';
import {
  dataset,
  ORDER_FIELDS,
  order,
  user,
  stats,
  COUNT,
  signals,
  postgres,
  kafka,
  type Case,
  refusesEach,
} from './definition-check-module.js';

const DATASETS: readonly Case[] = [
  ['no key', { datasets: [order({ keys: [] }), user(), stats()] }, 'Order', 'it has no @key'],
  ['a key that is no field', { datasets: [order({ keys: ['who'] }), user(), stats()] }, 'Order.who', 'the key is no field'],
  ['a float key', { datasets: [order({ keys: ['amount'] }), user(), stats()] }, 'Order.amount', 'a key cannot be t.float'],
  ['an optional key', { datasets: [order({ keys: ['note'] }), user(), stats()] }, 'Order.note', 'a key cannot be optional'],
  ['no timestamp', { datasets: [order({ timestamp: '' }), user(), stats()] }, 'Order', 'it has no @timestamp'],
  [
    'a timestamp of another type',
    { datasets: [order({ timestamp: 'amount' }), user(), stats()] },
    'Order.amount',
    'the timestamp cannot be t.float',
  ],
  [
    'a field declared twice',
    { datasets: [order({ fields: [...order().fields, ...fieldsOf({ amount: t.float })] }), user(), stats()] },
    'Order.amount',
    'it is declared twice',
  ],
  ['a bad field name', { datasets: [dataset('Order', { ...ORDER_FIELDS, 'a-b': t.int }), user(), stats()] }, 'Order.a-b', 'is no name'],
  ['a name too long', { datasets: [order(), user(), stats(), dataset('D'.repeat(129), {})] }, 'D'.repeat(129), 'is no name'],
  ['two datasets of one name', { datasets: [order(), order(), user(), stats()] }, 'Order', 'two datasets have this name'],
  ['two featuresets of one name', { featuresets: [signals([COUNT]), signals([COUNT])] }, 'Signals', 'two featuresets have this name'],
  ['a bad version', { datasets: [order({ version: 0 }), user(), stats()] }, 'Order', 'its version is 0'],
  ['a bad history', { datasets: [order({ historyUs: Number.NaN }), user(), stats()] }, 'Order', 'its history is no positive duration'],
  [
    'too many fields',
    { datasets: [order(), user(), stats(), dataset('Wide', Object.fromEntries(Array.from({ length: 512 }, (_, i) => [`f${i}`, t.int])))] },
    'Wide',
    'it has 514 fields',
  ],
  ['an empty enum', { datasets: [order(), user(), stats(), dataset('E', { kind: t.enum() })] }, 'E.kind', 'its enum has 0 values'],
  [
    'a struct with one name twice',
    {
      datasets: [
        order(),
        user(),
        stats(),
        {
          ...dataset('E', {}),
          fields: [
            ...fieldsOf({ user_id: t.string, at: t.timestamp }),
            { name: 's', type: { kind: 'struct', optional: false, fields: [...fieldsOf({ a: t.int }), ...fieldsOf({ a: t.int })] } },
          ],
        },
      ],
    },
    'E.s',
    'names a member twice',
  ],
  [
    'an expectation of no field',
    { datasets: [order({ expectations: [{ kind: 'notNull', field: 'amuont', mostly: 1 }] }), user(), stats()] },
    'Order.amuont',
    'there is no such field',
  ],
  [
    'an expectation of a text',
    { datasets: [order({ expectations: [{ kind: 'between', field: 'note', min: 0, mostly: 1 }] }), user(), stats()] },
    'Order.note',
    'about numbers',
  ],
  [
    'an expectation of more than all',
    { datasets: [order({ expectations: [{ kind: 'notNull', field: 'amount', mostly: 2 }] }), user(), stats()] },
    'Order.amount',
    'mostly is 2',
  ],
  [
    'an expectation the wrong way round',
    { datasets: [order({ expectations: [{ kind: 'between', field: 'amount', min: 2, max: 1, mostly: 1 }] }), user(), stats()] },
    'Order.amount',
    'min above its max',
  ],
];

const log = { dataset: 'Order', connector: 'postgres', config: { table: 't', mode: 'cdc', slot: 'orders_1' }, cdc: 'append' } as const;

const changes = { dataset: 'Order', connector: 'snowflake', config: { table: 't', mode: 'changes' }, everyUs: 5e6, cdc: 'upsert' } as const;

const SOURCES: readonly Case[] = [
  ['an unknown dataset', { sources: [{ ...kafka, dataset: 'Nope' }] }, 'Nope', 'there is no such dataset'],
  ['an unknown connector', { sources: [{ ...kafka, connector: 'kafak' }] }, 'Order', "no connector is called 'kafak'"],
  ['a cursor on a stream', { sources: [{ ...kafka, cursor: 'at' }] }, 'Order', "'cursor' is for polling"],
  [
    'a cursor beside the log of postgres',
    { sources: [{ ...log, cursor: 'at' }] },
    'Order',
    "'cursor' is for polling, and postgres with mode 'cdc' streams",
  ],
  [
    'a cursor beside snapshots',
    { sources: [{ dataset: 'Order', connector: 'iceberg', config: { table: 't' }, cursor: 'at', everyUs: 5e6, cdc: 'append' }] },
    'Order',
    'iceberg has its snapshots',
  ],
  ['every beside it', { sources: [{ ...log, everyUs: 5e6 }] }, 'Order', "'every' is for polling"],
  ['a mode that it does not have', { sources: [{ ...log, config: { ...log.config, mode: 'wal' } }] }, 'Order', "is 'wal'"],
  ['a mode that snowflake does not have', { sources: [{ ...changes, config: { table: 't', mode: 'cdc' } }] }, 'Order', "is 'cdc'"],
  ['events of its changes', { sources: [{ ...changes, cdc: 'append' }] }, 'Order', "mode 'changes' gives updates and deletes"],
  ['envelopes of its changes', { sources: [{ ...changes, cdc: 'debezium' }] }, 'Order', "cdc 'debezium' comes from a stream"],
  ['a cursor beside its changes', { sources: [{ ...changes, cursor: 'at' }] }, 'Order', "snowflake with mode 'changes' has its intervals"],
  [
    'a key beside its changes',
    { sources: [{ ...changes, config: { ...changes.config, key: 'id' } }] },
    'Order',
    "a snowflake source has no 'key'",
  ],
  ['a name that no slot has', { sources: [{ ...log, config: { ...log.config, slot: 'Order-1' } }] }, 'Order', "is 'Order-1'"],
  ['envelopes from it', { sources: [{ ...log, cdc: 'debezium' }] }, 'Order', "cdc 'debezium' is for envelopes"],
  [
    'a slot without it',
    { sources: [{ ...log, cursor: 'at', everyUs: 5e6, config: { table: 't', slot: 's' } }] },
    'Order',
    "a postgres source has no 'slot'",
  ],
  ['every on a stream', { sources: [{ ...kafka, everyUs: 5e6 }] }, 'Order', "'every' is for polling"],
  [
    'no cursor',
    { sources: [{ dataset: 'Order', connector: 'postgres', config: { table: 't' }, everyUs: 5e6, cdc: 'append' }] },
    'Order',
    "'cursor' is missing",
  ],
  [
    'no every',
    { sources: [{ dataset: 'Order', connector: 's3', config: { bucket: 'b' }, cursor: 'at', cdc: 'append' }] },
    'Order',
    "'every' is missing",
  ],
  ['debezium by polling', { sources: [{ ...postgres, cdc: 'debezium' }] }, 'Order', "cdc 'debezium' comes from a stream"],
  ['an unknown cdc', { sources: [{ ...postgres, cdc: 'merge' as never }] }, 'Order', "cdc is 'merge'"],
  ['a cursor that is no field', { sources: [{ ...postgres, cursor: 'att' }] }, 'Order.att', 'there is no such field'],
  ['a cursor that may be null', { sources: [{ ...postgres, cursor: 'note' }] }, 'Order.note', 'a cursor cannot be t.string.optional'],
  ['a missing parameter', { sources: [{ ...kafka, config: {} }] }, 'Order', "lacks 'topic'"],
  [
    'a password written out',
    { sources: [{ ...postgres, config: { table: 'x', password: 'hunter2' } }] },
    'Order',
    "'password' of its postgres source is written out",
  ],
  [
    'a secret that is no reference',
    { sources: [{ ...postgres, config: { table: 'x', password: { secret: 'hunter2' } } }] },
    'Order',
    'is no reference to a secret',
  ],
  ['a duration of nothing', { sources: [{ ...postgres, everyUs: 0 }] }, 'Order', "'every' is no positive duration"],
  ['two sources', { sources: [postgres, kafka] }, 'Order', 'it has 2 sources'],
  ['a source on a derived dataset', { sources: [{ ...kafka, dataset: 'Stats' }] }, 'Stats', "a source and the pipeline 'Stats.all'"],
];

describe('checkDefinitions: datasets and sources', () => {
  refusesEach(DATASETS);
  refusesEach(SOURCES);
});
