import { canonicalJson } from './canonical-json.js';
import { compareFeaturesets } from './compare-featuresets.js';
import { comparePipelines } from './compare-pipelines.js';
import { Changes, type DefinitionChange, matched } from './change-list.js';
import type { ComparisonContext } from './comparison-context.js';
import { ThymeError } from '../errors/errors.js';
import { describeType, sameType, type ValueType } from '../schema/value-type.js';
import { DefinitionIndex } from './definition-index.js';
import type { DatasetDefinition, Definitions, SourceDefinition } from './definitions.js';
import { datasetVersionName } from './timeline-topics.js';

export type { DefinitionChange } from './change-list.js';

/** What a commit would change (S19). Both sides are checked definitions; equal ones give no changes. */
export function compareDefinitions(previous: Definitions, next: Definitions, context: ComparisonContext = {}): readonly DefinitionChange[] {
  const changes = new Changes();
  const before = new DefinitionIndex(previous);
  const after = new DefinitionIndex(next);
  for (const [name, old, current] of matched(previous.datasets, next.datasets))
    compareDataset(name, old, current, { after, changes, context });
  for (const dataset of next.datasets) compareSource(before, after, dataset.name, changes);
  comparePipelines(previous, next, context.changedFunctions ?? new Set(), changes);
  compareFeaturesets(previous, next, context, changes);
  return changes.found;
}

/** Throws FAILED_PRECONDITION with each breaking change, and what to do instead. */
export function refuseBreaking(changes: readonly DefinitionChange[]): void {
  const breaking = changes.filter(({ kind }) => kind === 'breaking');
  if (breaking.length === 0) return;
  const lines = breaking.map(({ place, message }) => `${place}: ${message}`);
  throw new ThymeError(
    'THYME_BREAKING_CHANGE',
    'FAILED_PRECONDITION',
    lines.join('\n'),
    breaking.map(({ place, message }) => ({ field: place, description: message })),
  );
}

interface Comparing {
  readonly after: DefinitionIndex;
  readonly changes: Changes;
  readonly context: ComparisonContext;
}

function compareDataset(
  name: string,
  old: DatasetDefinition | undefined,
  current: DatasetDefinition | undefined,
  { after, changes, context }: Comparing,
): void {
  if (old === undefined) changes.add('added', name, 'new dataset');
  else if (current === undefined) changes.add('removed', name, 'its records are kept until it is retired');
  else if (current.version < old.version)
    changes.add('breaking', name, `its version went from ${old.version} back to ${current.version}: versions only grow`);
  else if (current.version > old.version) compareRaised(old, current, { after, changes, context });
  else {
    compareInPlace(old, current, after, changes);
    compareUpgrade(old, current, context, changes);
  }
}

/** S19a: a raised version has a topic of its own, and must say what becomes of the records in the old one. */
function compareRaised(old: DatasetDefinition, current: DatasetDefinition, { after, changes, context }: Comparing): void {
  const { name, upgrade } = current;
  const raised = `version ${old.version} → ${current.version}`;
  const isOfChanges = old.cdc !== undefined || current.cdc !== undefined;
  if (after.isDerived(name)) changes.add('changed', name, `${raised}: a new one beside the old`);
  else if (isOfChanges && upgrade?.kind !== 'empty')
    changes.add(
      'breaking',
      name,
      `${raised}: changes of rows (cdc) are not carried over, since a delete names its row and has nothing else for a function to upgrade: write upgrade: 'empty' in its @dataset, and send every row again as it is now (S19a)`,
    );
  else if (upgrade === undefined)
    changes.add(
      'breaking',
      name,
      `${raised}, and nothing says what becomes of the records of version ${old.version}: write upgrade: (old) => ({ ...old, ... }) in its @dataset to carry them over, or upgrade: 'empty' to start without them (S19a)`,
    );
  else if (upgrade.kind === 'empty')
    changes.add('changed', name, `${raised}: it starts empty; the records of version ${old.version} stay in the old one`);
  else {
    const count = context.recordCounts?.get(name);
    const records = count === undefined ? 'the records' : count === 1 ? '1 record' : `${count} records`;
    changes.add(
      'needsBackfill',
      name,
      `${raised}: ${records} of version ${old.version} will be carried over by its upgrade; features switch when they are there (S19a)`,
    );
  }
}

/** What a version was begun with cannot be begun again. */
function compareUpgrade(old: DatasetDefinition, current: DatasetDefinition, context: ComparisonContext, changes: Changes): void {
  const { name, version, upgrade } = current;
  const isCarried = context.carried?.has(datasetVersionName(name, version)) ?? false;
  const bump = `raise the version of ${name}`;
  if (upgrade?.kind === 'function' && old.upgrade?.kind !== 'function' && !isCarried && version > 1)
    changes.add('breaking', name, `version ${version} has begun without the records of the one before: ${bump}`);
  else if (isCarried && upgrade?.kind === 'empty')
    changes.add('breaking', name, `version ${version} has begun with the records of the one before: ${bump}`);
  else if (isCarried && upgrade?.kind === 'function' && context.changedFunctions?.has(upgrade.function) === true)
    changes.add('breaking', name, `the code of its upgrade, by which records were carried over, changed: ${bump}`);
}

function compareInPlace(old: DatasetDefinition, current: DatasetDefinition, after: DefinitionIndex, changes: Changes): void {
  const { name } = current;
  const bump = `raise the version of ${name}`;
  if (old.keys.join() !== current.keys.join())
    changes.add('breaking', name, `its key was (${old.keys.join(', ')}) and is (${current.keys.join(', ')}): ${bump}`);
  if (old.timestamp !== current.timestamp)
    changes.add('breaking', name, `its timestamp was '${old.timestamp}' and is '${current.timestamp}': ${bump}`);
  if (canonicalJson(old.cdc) !== canonicalJson(current.cdc))
    changes.add('breaking', name, `its records were ${recordsOf(old)} and are ${recordsOf(current)}: ${bump}`);
  for (const [field, was, is] of matched(old.fields, current.fields)) {
    const place = `${name}.${field}`;
    if (is === undefined && after.isAggregated(name) && !old.publish) changes.add('removed', place, 'field');
    else if (is === undefined) changes.add('breaking', place, `a field of stored records was taken away: ${bump}`);
    else if (was === undefined) compareAddedField(place, is.type, after.isDerived(name) && !old.publish, bump, changes);
    else if (!sameType(was.type, is.type))
      changes.add('breaking', place, `its type was ${describeType(was.type)} and is ${describeType(is.type)}: ${bump}`);
  }
  if (!old.publish && current.publish) changes.add('breaking', name, `it publishes from its version's start only (S25): ${bump}`);
  if (!old.index && current.index) changes.add('needsBackfill', name, 'its index is built from the log');
  compareOptions(old, current, changes);
}

/** S17, in words. */
function recordsOf({ cdc }: DatasetDefinition): string {
  return cdc === undefined ? 'events' : `changes (${cdc.mode}) of rows by (${cdc.rowKey.join(', ')})`;
}

/** Records that are stored already do not have the field. A pipeline's output is not stored but computed, unless it is published (S25). */
function compareAddedField(place: string, type: ValueType, isComputed: boolean, bump: string, changes: Changes): void {
  if (type.optional || isComputed) changes.add('added', place, describeType(type));
  else changes.add('breaking', place, `stored records do not have it: declare it ${describeType({ ...type, optional: true })}, or ${bump}`);
}

function compareOptions(old: DatasetDefinition, current: DatasetDefinition, changes: Changes): void {
  const options = [
    'description',
    'owner',
    'tags',
    'deprecated',
    'index',
    'publish',
    'historyUs',
    'maxLatenessUs',
    'maxFutureUs',
    'expectations',
  ] as const;
  const gainsIndexOrTopic = (option: string): boolean => (option === 'index' && current.index) || (option === 'publish' && current.publish);
  const changed = options.filter((option) => !gainsIndexOrTopic(option) && canonicalJson(old[option]) !== canonicalJson(current[option]));
  if (changed.length > 0) changes.add('changed', current.name, changed.map((option) => option.replace(/Us$/, '')).join(', '));
}

/** A source's mode, its connector and cursor are what its position means: they stay for a dataset's version. */
function compareSource(before: DefinitionIndex, after: DefinitionIndex, dataset: string, changes: Changes): void {
  const old = before.sourcesOf.get(dataset)?.[0];
  const current = after.sourcesOf.get(dataset)?.[0];
  if (old === undefined && current !== undefined && before.datasets.has(dataset))
    changes.add('added', dataset, `source ${current.connector}`);
  if (old !== undefined && current === undefined && after.datasets.has(dataset)) changes.add('removed', dataset, `source ${old.connector}`);
  if (old === undefined || current === undefined) return;
  const isNewVersion = before.datasets.get(dataset)?.version !== after.datasets.get(dataset)?.version;
  for (const part of ['connector', 'cdc', 'cursor'] as const) {
    if (isNewVersion || old[part] === current[part]) continue;
    changes.add(
      'breaking',
      dataset,
      `its source's ${part} was '${old[part] ?? ''}' and is '${current[part] ?? ''}': raise the version of ${dataset}`,
    );
  }
  if (restOf(old) !== restOf(current)) changes.add('changed', dataset, `source ${current.connector}`);
}

function restOf({ config, everyUs, maxLatenessUs, maxFutureUs }: SourceDefinition): string {
  return canonicalJson({ config, everyUs, maxLatenessUs, maxFutureUs });
}
