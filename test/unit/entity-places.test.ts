// In which partition an entity lies is told of older versions of a dataset too (S19a): else a gateway asks a holder of other partitions.
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { EntityKeySchema } from '../../gen/thyme/v1/values_pb.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import type { Catalog } from '../../services/gateway/catalog.js';
import { EntityPlaces } from '../../services/gateway/entity-places.js';
import type { Holders } from '../../services/gateway/holders.js';

const PARTITIONS = 64;

const dataset = (version: number, key: string): DatasetDefinition =>
  ({
    name: 'Order',
    version,
    keys: [key],
    fields: [
      { name: 'user', type: { kind: 'string', optional: false } },
      { name: 'number', type: { kind: 'int', optional: false } },
    ],
  }) as unknown as DatasetDefinition; // what of it says where its rows lie

function places(carriedFrom: DatasetDefinition | undefined): EntityPlaces {
  const carryOvers = carriedFrom === undefined ? [] : [{ id: 1, from: carriedFrom, toVersion: 2, revision: 1 }];
  const revision = { number: 2, definitions: { datasets: [dataset(2, 'user')], featuresets: [] }, carryOvers };
  const catalog = { revision: () => Promise.resolve(revision) } as unknown as Catalog; // nothing else is asked
  const holders = { partitionCount: () => Promise.resolve(PARTITIONS) } as unknown as Holders;
  return new EntityPlaces(catalog, holders);
}

describe('places of entities', () => {
  const context = {} as CallContext; // handed on alone
  const entities = ['ann', 'bob', '7', '8'].map((text) =>
    create(EntityKeySchema, { values: [{ kind: { case: 'stringValue', value: text } }] }),
  );
  const of = (from: DatasetDefinition | undefined, name: string) => places(from).partitions({ kind: 'dataset', name }, entities, context);

  it('are those of the newest key for every version that has the same', async () => {
    const newest = await of(undefined, 'Order');
    expect(newest.every((partition) => partition !== undefined)).to.equal(true);
    expect(new Set(newest).size).to.be.above(1);
    expect(await of(undefined, 'Order@1')).to.deep.equal(newest);
    expect(await of(dataset(1, 'user'), 'Order@1')).to.deep.equal(newest);
    expect(await of(undefined, 'Ordr@1')).to.deep.equal(entities.map(() => undefined));
  });

  it('go by the key that an older version had, where that was another', async () => {
    const [ann, bob, seven, eight] = await of(dataset(1, 'number'), 'Order@1');
    expect([ann, bob]).to.deep.equal([undefined, undefined]); // no numbers: whoever is asked says so
    expect([typeof seven, typeof eight]).to.deep.equal(['number', 'number']);
    expect([seven, eight]).to.not.deep.equal((await of(dataset(1, 'number'), 'Order')).slice(2));
  });
});
