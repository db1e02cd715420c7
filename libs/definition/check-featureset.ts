import { nearestName } from '../errors/errors.js';
import { describeType, type ValueType } from '../schema/value-type.js';
import { checkMetadata, checkName, checkType, fits, isKeyType, KEY_TYPES, isPositive } from './check-common.js';
import { checkExtractors } from './check-extractors.js';
import type { DefinitionIndex } from './definition-index.js';
import type { FeatureDefinition, FeaturesetDefinition } from './definitions.js';
import { FEATURES_MAX, KEYS_MAX } from './limits.js';
import type { Problems, Report } from './problem.js';

/** Columns that answers have besides the features (DESIGN 9). */
const RESERVED = new Set(['entity_id', 'timestamp']);

export function checkFeatureset(featureset: FeaturesetDefinition, index: DefinitionIndex, problems: Problems): void {
  const { name, features } = featureset;
  const report = problems.at(name);
  checkName(name, report);
  checkMetadata(featureset, report);
  if (features.length > FEATURES_MAX) report(`it has ${features.length} features`, `at most ${FEATURES_MAX} are allowed: split it`);
  checkEntity(featureset, problems);
  checkNamesAndIds(featureset, problems);
  checkExtractors(featureset, problems);
  for (const feature of features) checkFeature(feature, featureset, index, problems.at(`${name}.${feature.name}`));
}

function checkEntity({ name, entity, features }: FeaturesetDefinition, problems: Problems): void {
  if (entity.length === 0 || entity.length > KEYS_MAX || new Set(entity).size < entity.length)
    problems.add(name, 'its entity is empty, too long, or names a feature twice', `name 1 to ${KEYS_MAX} features`);
  for (const key of entity) {
    const feature = features.find((one) => one.name === key);
    const report = problems.at(`${name}.${key}`);
    if (feature === undefined) {
      const nearest = nearestName(
        key,
        features.map((one) => one.name),
      );
      report(
        'it is the entity, but there is no such feature',
        nearest === undefined ? `declare it: @feature(t.string, { id: 1 }) ${key}!: string` : `did you mean '${nearest}'?`,
      );
      continue;
    }
    if (!isKeyType(feature.type) || feature.type.optional)
      report(`the entity cannot be ${describeType(feature.type)}`, `use ${KEY_TYPES}, not optional`);
    if (feature.input || feature.ref !== undefined || feature.from !== undefined)
      report('it is the entity, which every query brings', 'take away @input, ref and from');
  }
}

function checkNamesAndIds({ name, features }: FeaturesetDefinition, problems: Problems): void {
  const names = new Set<string>();
  const byId = new Map<number, string>();
  for (const feature of features) {
    const report = problems.at(`${name}.${feature.name}`);
    checkName(feature.name, report);
    if (RESERVED.has(feature.name)) report(`'${feature.name}' is a column of every answer already`, 'choose another name');
    if (names.has(feature.name)) report('it is declared twice', 'give it one decorator');
    names.add(feature.name);
    if (!isPositive(feature.id)) report(`its id is ${String(feature.id)}`, 'ids are 1, 2, 3, ...');
    const other = byId.get(feature.id);
    if (other !== undefined && other !== feature.name)
      report(`its id ${feature.id} is that of '${other}' too`, 'give it an id of its own, which no feature had before (S19)');
    byId.set(feature.id, other ?? feature.name);
  }
}

function checkFeature(feature: FeatureDefinition, featureset: FeaturesetDefinition, index: DefinitionIndex, report: Report): void {
  checkType(feature.type, report);
  checkMetadata(feature, report);
  if ([feature.input || undefined, feature.ref, feature.from].filter((origin) => origin !== undefined).length > 1)
    report('it has more than one of @input, ref and from', 'keep one of them');
  if (feature.ref !== undefined) checkRef(feature, feature.ref, featureset, index, report);
  if (feature.from !== undefined) checkFrom(feature, feature.from, featureset, index, report);
}

function checkRef(
  feature: FeatureDefinition,
  ref: NonNullable<FeatureDefinition['ref']>,
  featureset: FeaturesetDefinition,
  index: DefinitionIndex,
  report: Report,
): void {
  const dataset = index.datasets.get(ref.dataset);
  if (dataset === undefined) {
    const nearest = nearestName(ref.dataset, index.datasets.keys());
    report(
      `its ref names '${ref.dataset}', which is no dataset`,
      nearest === undefined ? 'declare and export the dataset' : `did you mean '${nearest}'?`,
    );
    return;
  }
  if (!dataset.index)
    report(`its ref names '${dataset.name}', which is not indexed`, `write @dataset({ ..., index: true }) on ${dataset.name}`);
  checkSameEntity(
    featureset,
    dataset.keys.map((key) => dataset.fields.find((field) => field.name === key)),
    dataset.name,
    report,
  );
  const field = dataset.fields.find((one) => one.name === ref.field);
  if (field === undefined) {
    const nearest = nearestName(
      ref.field,
      dataset.fields.map(({ name }) => name),
    );
    report(
      `its ref names '${dataset.name}.${ref.field}', which is no field`,
      nearest === undefined ? 'name a field of the dataset' : `did you mean '${nearest}'?`,
    );
    return;
  }
  // S5: an aggregated dataset has a row for every entity; of any other there may be none.
  const mayBeNull = field.type.optional || !index.isAggregated(dataset.name);
  checkTaken(feature, { ...field.type, optional: mayBeNull }, `${dataset.name}.${field.name}`, report);
}

function checkFrom(
  feature: FeatureDefinition,
  from: NonNullable<FeatureDefinition['from']>,
  featureset: FeaturesetDefinition,
  index: DefinitionIndex,
  report: Report,
): void {
  const other = index.featuresets.get(from.featureset);
  if (other === undefined) {
    const nearest = nearestName(from.featureset, index.featuresets.keys());
    report(
      `its from names '${from.featureset}', which is no featureset`,
      nearest === undefined ? 'declare and export the featureset' : `did you mean '${nearest}'?`,
    );
    return;
  }
  checkSameEntity(
    featureset,
    other.entity.map((key) => other.features.find((one) => one.name === key)),
    other.name,
    report,
  );
  const taken = index.feature(from.featureset, from.feature);
  if (taken === undefined) {
    const nearest = nearestName(
      from.feature,
      other.features.map(({ name }) => name),
    );
    report(
      `its from names '${other.name}.${from.feature}', which is no feature`,
      nearest === undefined ? 'name a feature of that featureset' : `did you mean '${nearest}'?`,
    );
    return;
  }
  const input = inputBehind(other.name, taken, index, new Set());
  if (input !== undefined)
    report(
      `'${other.name}.${taken.name}' needs the input '${input}', which a query of ${featureset.name} does not bring`,
      'declare an @input here, and compute the feature here',
    );
  checkTaken(
    feature,
    { ...taken.type, optional: taken.type.optional && taken.default === undefined },
    `${other.name}.${taken.name}`,
    report,
  );
}

function checkTaken(feature: FeatureDefinition, given: ValueType, origin: string, report: Report): void {
  if (!fits({ ...feature.type, optional: true }, given)) {
    report(
      `it is declared ${describeType(feature.type)}, but ${origin} is ${describeType({ ...given, optional: false })}`,
      'declare it as what it is taken from',
    );
  } else if (given.optional && !feature.type.optional && feature.default === undefined) {
    report(`${origin} may be null, and there is no default`, 'give it a default, or declare it .optional');
  }
}

interface KeyPart {
  readonly name: string;
  readonly type: ValueType;
}

/** What is looked up by this featureset's entity must have keys of its types, in its order. */
function checkSameEntity(
  { name, entity, features }: FeaturesetDefinition,
  keys: readonly (KeyPart | undefined)[],
  other: string,
  report: Report,
): void {
  const wanted = keys.filter((key) => key !== undefined);
  const own = entity.map((key) => features.find((feature) => feature.name === key)).filter((key) => key !== undefined);
  if (own.length < entity.length || wanted.length < keys.length) return; // reported there
  if (own.length === wanted.length && own.every(({ type }, i) => wanted[i]?.type.kind === type.kind)) return;
  report(
    `${other} has the key (${describeKey(wanted)}), and ${name} the entity (${describeKey(own)})`,
    'they must agree in number, order and type; look up other entities in an extractor',
  );
}

function describeKey(parts: readonly KeyPart[]): string {
  return parts.map(({ name, type }) => `${name}: ${describeType(type)}`).join(', ');
}

/** The request-time input that a feature of a featureset depends on, if any. */
function inputBehind(
  featureset: string,
  feature: FeatureDefinition,
  index: DefinitionIndex,
  seen: Set<FeatureDefinition>,
): string | undefined {
  if (seen.has(feature)) return undefined; // a cycle: reported as such
  seen.add(feature);
  if (feature.input) return `${featureset}.${feature.name}`;
  const producer = index.featuresets.get(featureset)?.extractors.find((extractor) => extractor.outputs.includes(feature.name));
  const behind = [
    ...(producer?.inputs ?? []).map((name) => [featureset, name] as const),
    ...(feature.from === undefined ? [] : [[feature.from.featureset, feature.from.feature] as const]),
  ];
  for (const [owner, name] of behind) {
    const next = index.feature(owner, name);
    const input = next && inputBehind(owner, next, index, seen);
    if (input !== undefined) return input;
  }
  return undefined;
}
