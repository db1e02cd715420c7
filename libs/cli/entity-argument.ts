import { nearestName } from '../errors/errors.js';
import type { RestClient } from '../client/rest-client.js';
import type { CommandContext } from './command.js';

/** An entity as a request names it: text, or an object of the key's fields. */
export type AskedEntity = string | Readonly<Record<string, string>>;

/** What a command has to know of a featureset: its key, and what its questions may bring. */
export interface FeaturesetShape {
  readonly entity: readonly string[];
  /** Type by name, in the words of `/api/v1/featuresets`. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly keys: ReadonlyMap<string, string>;
  /** All of them, inputs and the key among them, in the order of answers. */
  readonly features: ReadonlyMap<string, string>;
}

interface ListedFeatureset {
  readonly name: string;
  readonly spec: {
    readonly entity: readonly string[];
    readonly features: readonly { readonly name: string; readonly dtype: string; readonly input: boolean }[];
  };
}

/** Undefined where there is none: whoever is asked about it names the nearest. */
export async function featuresetShape(name: string, client: RestClient): Promise<FeaturesetShape | undefined> {
  const { body } = await client.get('/api/v1/featuresets');
  const found = (body as readonly ListedFeatureset[]).find((candidate) => candidate.name === name);
  if (found === undefined) return undefined;
  const { entity, features } = found.spec;
  const types = (chosen: typeof features): ReadonlyMap<string, string> => new Map(chosen.map(({ name: of, dtype }) => [of, dtype]));
  return {
    entity,
    inputs: types(features.filter(({ input }) => input)),
    keys: types(features.filter(({ name: of }) => entity.includes(of))),
    features: types(features),
  };
}

/** The id of the newest commit; empty where there is none. */
export async function latestCommit(client: RestClient): Promise<string> {
  const { body } = await client.get('/api/v1/status');
  return (body as { readonly latest_commit: { readonly id: string } | null }).latest_commit?.id ?? '';
}

/** Asked for once they are needed: empty where there is no such featureset. */
export function keyFieldsOf(featureset: string, { client }: Pick<CommandContext, 'client'>): () => Promise<readonly string[]> {
  return async () => (await featuresetShape(featureset, client))?.entity ?? [];
}

/** Empty where there is no such dataset. */
export async function datasetKeys(name: string, client: RestClient): Promise<readonly string[]> {
  const { body } = await client.get('/api/v1/status');
  const { datasets } = body as { readonly datasets: readonly { readonly name: string; readonly keys: readonly string[] }[] };
  return datasets.find((candidate) => candidate.name === name)?.keys ?? [];
}

/** The key's fields are asked for only where the text may name them: most ids hold no `=`. */
export async function entitiesOf(texts: readonly string[], keyFields: () => Promise<readonly string[]>): Promise<readonly AskedEntity[]> {
  if (!texts.some((text) => NAMED.test(text))) return texts;
  const fields = await keyFields();
  return texts.map((text) => entityOf(text, fields));
}

const NAMED = /^[A-Za-z_]\w*=/;

/**
 * `user_42`, or for a key that is named by its fields `origin=ATL,destination=ORD`. An id of one field
 * may hold a `=` itself (`aGVsbG8=`): it is named only where the name is the field's, or as good as that.
 */
export function entityOf(text: string, fields: readonly string[]): AskedEntity {
  if (!NAMED.test(text) || fields.length === 0) return text;
  if (fields.length === 1 && !namesKey(text, fields)) return text;
  const isBoundary = new RegExp(`,(?=(?:${fields.join('|')})=)`); // names of fields are letters, digits and _
  const parts = text.split(fields.length === 1 ? /(?!)/ : isBoundary).map((part) => [part, part.indexOf('=')] as const);
  return Object.fromEntries(parts.map(([part, equals]) => [part.slice(0, equals), part.slice(equals + 1)]));
}

function namesKey(text: string, fields: readonly string[]): boolean {
  const equals = text.indexOf('=');
  const name = text.slice(0, equals);
  // A misspelt name goes to the deployment, which says so; nothing behind `=` is no id.
  return fields.includes(name) || (equals + 1 < text.length && nearestName(name, fields) !== undefined);
}
