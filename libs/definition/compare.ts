import { canonicalJson } from './canonical-json.js';
import { compareFeaturesets } from './compare-featuresets.js';
import { comparePipelines } from './compare-pipelines.js';
import { Changes, type Change, matched } from './change-list.js';
import { ThymeError } from '../errors/errors.js';
import { describeType, sameType, type ValueType } from '../schema/value-type.js';
import { DefinitionIndex } from './definition-index.js';
import type { DatasetDefinition, Definitions, SourceDefinition } from './definitions.js';

export type { Change } from './change-list.js';

export interface ComparisonContext {
  /** Ids of functions whose code is not what it was: a transform's needs a new version (S19). */
  readonly changedFunctions?: ReadonlySet<string>;
  /** Features of all earlier revisions that are gone: their ids are never reused (S19). */
  readonly retiredFeatures?: readonly RetiredFeature[];
}

export interface RetiredFeature {
  readonly featureset: string;
  readonly id: number;
  readonly name: string;
  readonly type: ValueType;
}

/** What a commit would change (S19). Both sides are checked definitions; equal ones give no changes. */
export function compareDefinitions(previous: Definitions, next: Definitions, context: ComparisonContext = {}): readonly Change[] {
  const changes = new Changes();
  const before = new DefinitionIndex(previous);
  const after = new DefinitionIndex(next);
  for (const [name, old, current] of matched(previous.datasets, next.datasets)) compareDataset(name, old, current, after, changes);
  for (const dataset of next.datasets) compareSource(before, after, dataset.name, changes);
  comparePipelines(previous, next, context.changedFunctions ?? new Set(), changes);
  compareFeaturesets(previous, next, context, changes);
  return changes.found;
}

/** Throws FAILED_PRECONDITION with each breaking change, and what to do instead. */
export function refuseBreaking(changes: readonly Change[]): void {
  const breaking = changes.filter(({ kind }) => kind === 'breaking');
  if (breaking.length === 0) return;
  const lines = breaking.map(({ place, message }) => `${place}: ${message}`);
  throw new ThymeError('THYME_BREAKING_CHANGE', 'FAILED_PRECONDITION', lines.join('\n'), breaking.map(({ place, message }) => ({ field: place, description: message })));
}

function compareDataset(name: string, old: DatasetDefinition | undefined, current: DatasetDefinition | undefined, after: DefinitionIndex, changes: Changes): void {
  if (old === undefined) changes.add('added', name, 'new dataset');
  else if (current === undefined) changes.add('removed', name, 'its records are kept until it is retired');
  else if (current.version < old.version) changes.add('breaking', name, `its version went from ${old.version} back to ${current.version}: versions only grow`);
  else if (current.version > old.version) changes.add('changed', name, `version ${old.version} → ${current.version}: a new one beside the old`);
  else compareInPlace(old, current, after, changes);
}

function compareInPlace(old: DatasetDefinition, current: DatasetDefinition, after: DefinitionIndex, changes: Changes): void {
  const { name } = current;
  const bump = `raise the version of ${name}`;
  if (old.keys.join() !== current.keys.join()) changes.add('breaking', name, `its key was (${old.keys.join(', ')}) and is (${current.keys.join(', ')}): ${bump}`);
  if (old.timestamp !== current.timestamp) changes.add('breaking', name, `its timestamp was '${old.timestamp}' and is '${current.timestamp}': ${bump}`);
  for (const [field, was, is] of matched(old.fields, current.fields)) {
    const place = `${name}.${field}`;
    if (is === undefined && after.isAggregated(name) && !old.publish) changes.add('removed', place, 'field');
    else if (is === undefined) changes.add('breaking', place, `a field of stored records was taken away: ${bump}`);
    else if (was === undefined) compareAddedField(place, is.type, after.isDerived(name) && !old.publish, bump, changes);
    else if (!sameType(was.type, is.type)) changes.add('breaking', place, `its type was ${describeType(was.type)} and is ${describeType(is.type)}: ${bump}`);
  }
  if (!old.publish && current.publish) changes.add('breaking', name, `it publishes from its version's start only (S25): ${bump}`);
  if (!old.index && current.index) changes.add('needsBackfill', name, 'its index is built from the log');
  compareOptions(old, current, changes);
}

/** Records that are stored already do not have the field. A pipeline's output is not stored but computed, unless it is published (S25). */
function compareAddedField(place: string, type: ValueType, isComputed: boolean, bump: string, changes: Changes): void {
  if (type.optional || isComputed) changes.add('added', place, describeType(type));
  else changes.add('breaking', place, `stored records do not have it: declare it ${describeType({ ...type, optional: true })}, or ${bump}`);
}

function compareOptions(old: DatasetDefinition, current: DatasetDefinition, changes: Changes): void {
  const options = ['description', 'owner', 'tags', 'deprecated', 'index', 'publish', 'historyUs', 'maxLatenessUs', 'maxFutureUs', 'expectations'] as const;
  const gainsIndexOrTopic = (option: string): boolean => (option === 'index' && current.index) || (option === 'publish' && current.publish);
  const changed = options.filter((option) => !gainsIndexOrTopic(option) && canonicalJson(old[option]) !== canonicalJson(current[option]));
  if (changed.length > 0) changes.add('changed', current.name, changed.map((option) => option.replace(/Us$/, '')).join(', '));
}

/** A source's mode, its connector and cursor are what its position means: they stay for a dataset's version. */
function compareSource(before: DefinitionIndex, after: DefinitionIndex, dataset: string, changes: Changes): void {
  const old = before.sourcesOf.get(dataset)?.[0];
  const current = after.sourcesOf.get(dataset)?.[0];
  if (old === undefined && current !== undefined && before.datasets.has(dataset)) changes.add('added', dataset, `source ${current.connector}`);
  if (old !== undefined && current === undefined && after.datasets.has(dataset)) changes.add('removed', dataset, `source ${old.connector}`);
  if (old === undefined || current === undefined) return;
  const isNewVersion = before.datasets.get(dataset)?.version !== after.datasets.get(dataset)?.version;
  for (const part of ['connector', 'cdc', 'cursor'] as const) {
    if (isNewVersion || old[part] === current[part]) continue;
    changes.add('breaking', dataset, `its source's ${part} was '${old[part] ?? ''}' and is '${current[part] ?? ''}': raise the version of ${dataset}`);
  }
  if (restOf(old) !== restOf(current)) changes.add('changed', dataset, `source ${current.connector}`);
}

function restOf({ config, everyUs, maxLatenessUs, maxFutureUs }: SourceDefinition): string {
  return canonicalJson({ config, everyUs, maxLatenessUs, maxFutureUs });
}
