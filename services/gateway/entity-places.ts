import type { EntityKey } from '../../gen/thyme/v1/values_pb.js';
import { partitionOf } from '../../libs/codec/slot.js';
import { parseDatasetName } from '../../libs/definition/dataset-name.js';
import type { Revision } from '../../libs/definition/revision.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { EntityKeys, keyFieldsOf } from '../../libs/feature/entity-keys.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import { plainFromProto } from '../../libs/wire/untyped-values.js';
import type { Catalog } from './catalog.js';
import type { Holders } from './holders.js';

/** What is asked for: its key's fields say how an id becomes a slot. */
export interface AskedName {
  readonly kind: 'featureset' | 'dataset';
  readonly name: string;
}

/** In which partition an entity lies, by the same reading of its id as the query service's own. */
export class EntityPlaces {
  readonly #catalog: Catalog;
  readonly #holders: Holders;
  #keys: { readonly revision: number; readonly of: Map<string, EntityKeys | undefined> } = { revision: 0, of: new Map() };

  constructor(catalog: Catalog, holders: Holders) {
    this.#catalog = catalog;
    this.#holders = holders;
  }

  /** Undefined for each that cannot be told: an unknown name, or an id that is none. */
  async partitions(
    asked: AskedName,
    entities: readonly (EntityKey | undefined)[],
    context: CallContext,
  ): Promise<readonly (number | undefined)[]> {
    const keys = await this.#keysOf(asked, context);
    if (keys === undefined) return entities.map(() => undefined);
    const count = await this.#holders.partitionCount(context);
    return entities.map((entity) => {
      const slot = entity === undefined ? undefined : slotOf(keys, entity);
      return slot === undefined ? undefined : partitionOf(slot, count);
    });
  }

  async #keysOf({ kind, name }: AskedName, context: CallContext): Promise<EntityKeys | undefined> {
    const revision = await this.#revision(context);
    if (revision === undefined) return undefined;
    if (revision.number !== this.#keys.revision) this.#keys = { revision: revision.number, of: new Map() };
    const known = this.#keys.of;
    const place = `${kind} ${name}`;
    if (!known.has(place)) known.set(place, keysIn(revision, kind, name));
    return known.get(place);
  }

  /** Without a registry, whoever is asked says so, or answers from its own definitions. */
  async #revision(context: CallContext): Promise<Revision | undefined> {
    try {
      return await this.#catalog.revision(context);
    } catch (error) {
      if (error instanceof ThymeError && error.status === 'UNAVAILABLE') return undefined;
      throw error;
    }
  }
}

function keysIn({ definitions, carryOvers = [] }: Revision, kind: AskedName['kind'], asked: string): EntityKeys | undefined {
  if (kind === 'dataset') {
    const { dataset: name, version } = parseDatasetName(asked);
    // `Order@1` has keys of its own; of a version that no carry-over names, those of the newest say where its rows lie.
    const older = carryOvers.find(({ from }) => from.name === name && from.version === version);
    const dataset = older?.from ?? definitions.datasets.find((candidate) => candidate.name === name);
    return dataset && new EntityKeys(keyFieldsOf(dataset), name);
  }
  const featureset = definitions.featuresets.find((candidate) => candidate.name === asked);
  if (featureset === undefined) return undefined;
  const fields = featureset.entity.flatMap((key) => featureset.features.filter((feature) => feature.name === key));
  return new EntityKeys(
    fields.map((feature) => ({ name: feature.name, type: feature.type })),
    asked,
  );
}

function slotOf(keys: EntityKeys, { values }: EntityKey): number | undefined {
  try {
    return keys.read(
      values.map((value) => plainFromProto(value, 'entity')),
      'entity',
    ).slot;
  } catch {
    return undefined; // whoever answers names what is wrong with it
  }
}
