import { create } from '@bufbuild/protobuf';
import { GetRequestSchema, type RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import type { FeaturesetDefinition } from '../../libs/definition/definitions.js';
import { parseDatasetName } from '../../libs/definition/dataset-name.js';
import type { Revision } from '../../libs/definition/revision.js';
import { notFound, ThymeError } from '../../libs/errors/errors.js';
import type { ArrowColumn } from '../../libs/rest/arrow-column.js';
import type { CallContext, ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { Clock } from '../../libs/time/clock.js';
import { revisionFromProto } from '../../libs/wire/revisions.js';

/** How old the definitions may be that an answer is shaped by; names that are missing are asked for at once. */
const AGE_MAX_US = 2_000_000;

/** The registry's newest revision, remembered for a moment. The query service has the last word on every name. */
export class Catalog {
  readonly #registry: ServiceHandlers<typeof RegistryService>;
  readonly #clock: Clock;
  #known: { readonly revision: Revision | undefined; readonly readUs: number } | undefined;

  constructor(registry: ServiceHandlers<typeof RegistryService>, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /** Undefined before the first commit. While the registry does not answer, what was last known: reads go on without it. */
  async revision(context: CallContext): Promise<Revision | undefined> {
    const known = this.#known;
    if (known !== undefined && this.#clock.nowUs() - known.readUs < AGE_MAX_US) return known.revision;
    try {
      return await this.refresh(context);
    } catch (error) {
      if (known !== undefined && error instanceof ThymeError && error.status === 'UNAVAILABLE') return known.revision;
      throw error;
    }
  }

  async refresh(context: CallContext): Promise<Revision | undefined> {
    const revision = await this.#read(context);
    this.#known = { revision, readUs: this.#clock.nowUs() };
    return revision;
  }

  /** The names of the featureset's key, in order. */
  async entityFields(featureset: string, context: CallContext): Promise<readonly string[]> {
    return (await this.#featureset(featureset, context)).entity;
  }

  /** The key fields of the newest version, also for `Order@1`: they are what a request's fields are called. */
  async datasetKeys(asked: string, context: CallContext): Promise<readonly string[]> {
    const { dataset } = parseDatasetName(asked);
    const find = (revision: Revision | undefined) => revision?.definitions.datasets.find(({ name }) => name === dataset);
    const found = find(await this.revision(context)) ?? find(await this.refresh(context));
    if (found === undefined) throw notFound('dataset', dataset, this.#known?.revision?.definitions.datasets.map(({ name }) => name) ?? []);
    return found.keys;
  }

  /** The named features with their declared types (W3). */
  async featureColumns(featureset: string, names: readonly string[], context: CallContext): Promise<readonly ArrowColumn[]> {
    const columns = columnsOf(await this.#featureset(featureset, context), names);
    if (columns !== undefined) return columns;
    await this.refresh(context); // a feature that was added since
    const fresh = columnsOf(await this.#featureset(featureset, context), names);
    if (fresh === undefined)
      throw new ThymeError('THYME_REVISION_CHANGED', 'ABORTED', `the definition of ${featureset} changed while it was read: ask again`);
    return fresh;
  }

  async #featureset(name: string, context: CallContext): Promise<FeaturesetDefinition> {
    const find = (revision: Revision | undefined) => revision?.definitions.featuresets.find((candidate) => candidate.name === name);
    const found = find(await this.revision(context)) ?? find(await this.refresh(context));
    if (found === undefined)
      throw notFound('featureset', name, this.#known?.revision?.definitions.featuresets.map((featureset) => featureset.name) ?? []);
    return found;
  }

  async #read(context: CallContext): Promise<Revision | undefined> {
    try {
      const { revision } = await this.#registry.get(create(GetRequestSchema), context);
      return revision === undefined ? undefined : revisionFromProto(revision);
    } catch (error) {
      if (error instanceof ThymeError && error.status === 'NOT_FOUND') return undefined; // nothing is committed yet
      throw error;
    }
  }
}

function columnsOf({ features }: FeaturesetDefinition, names: readonly string[]): readonly ArrowColumn[] | undefined {
  const types = new Map(features.map(({ name, type }) => [name, type]));
  const columns = names.flatMap((name) => {
    const type = types.get(name);
    return type === undefined ? [] : [{ name, type }];
  });
  return columns.length === names.length ? columns : undefined;
}
