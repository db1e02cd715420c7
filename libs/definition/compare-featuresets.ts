import { describeType, sameType } from '../schema/value-type.js';
import { canonicalJson } from './canonical-json.js';
import { type Changes, matched } from './change-list.js';
import type { ComparisonContext, RetiredFeature } from './comparison-context.js';
import type { Definitions, FeatureDefinition, FeaturesetDefinition } from './definitions.js';

/** S19 for featuresets: everything may change in place but the entity and what an id means. */
export function compareFeaturesets(previous: Definitions, next: Definitions, context: ComparisonContext, changes: Changes): void {
  for (const [name, old, current] of matched(previous.featuresets, next.featuresets)) {
    if (current !== undefined) compareRetired(current, context.retiredFeatures ?? [], changes);
    if (old === undefined) changes.add('added', name, 'new featureset');
    else if (current === undefined) changes.add('removed', name, 'featureset');
    else compareInPlace(old, current, context.changedFunctions ?? new Set(), changes);
  }
}

function compareInPlace(
  old: FeaturesetDefinition,
  current: FeaturesetDefinition,
  changedFunctions: ReadonlySet<string>,
  changes: Changes,
): void {
  const { name } = current;
  if (old.entity.join() !== current.entity.join())
    changes.add('breaking', name, `its entity was (${old.entity.join(', ')}) and is (${current.entity.join(', ')}): make a new featureset`);
  compareFeatures(old, current, changes);
  for (const [method, was, is] of matched(old.extractors, current.extractors)) {
    const place = `${name}.${method}`;
    if (was === undefined) changes.add('added', place, 'extractor');
    else if (is === undefined) changes.add('changed', place, 'the extractor is gone: what it computed is computed otherwise, or gone too');
    else if (canonicalJson(was) !== canonicalJson(is) || changedFunctions.has(is.function)) changes.add('changed', place, 'extractor');
  }
  if (
    ['description', 'owner', 'tags', 'deprecated'].some(
      (key) => canonicalJson(Reflect.get(old, key)) !== canonicalJson(Reflect.get(current, key)),
    )
  )
    changes.add('changed', name, 'description, owner, tags or deprecated');
}

/** By id: it is the feature's identity, and a name may come back under a new one. */
function compareFeatures(old: FeaturesetDefinition, current: FeaturesetDefinition, changes: Changes): void {
  const before = new Map(old.features.map((feature) => [feature.id, feature]));
  const after = new Set(current.features.map((feature) => feature.id));
  for (const feature of current.features) {
    const was = before.get(feature.id);
    const place = `${current.name}.${feature.name}`;
    if (was === undefined) changes.add('added', place, `feature ${feature.id}`);
    else if (!isSameMeaning(was, feature)) changes.add('breaking', place, reused(feature.id, was));
    else if (canonicalJson(was) !== canonicalJson(feature)) changes.add('changed', place, `feature ${feature.id}`);
  }
  for (const feature of old.features) {
    if (!after.has(feature.id)) changes.add('removed', `${old.name}.${feature.name}`, `feature ${feature.id}: its id is never used again`);
  }
}

function compareRetired({ name, features }: FeaturesetDefinition, retired: readonly RetiredFeature[], changes: Changes): void {
  for (const feature of features) {
    const was = retired.find((one) => one.featureset === name && one.id === feature.id);
    if (was !== undefined && !isSameMeaning(was, feature)) changes.add('breaking', `${name}.${feature.name}`, reused(feature.id, was));
  }
}

function isSameMeaning(was: Pick<FeatureDefinition, 'name' | 'type'>, is: Pick<FeatureDefinition, 'name' | 'type'>): boolean {
  return was.name === is.name && sameType(was.type, is.type);
}

function reused(id: number, was: Pick<FeatureDefinition, 'name' | 'type'>): string {
  return `id ${id} was '${was.name}', ${describeType(was.type)}: give it an id that no feature had before`;
}
