import { canonicalJson } from './canonical-json.js';
import { type Changes, matched } from './change-list.js';
import { DefinitionIndex } from './definition-index.js';
import type { Aggregate, Aggregation, Definitions, PipelineDefinition, Step } from './definitions.js';
import { publishes } from './timeline-topics.js';

/** S19 for pipelines: aggregations come and go in place, everything else needs a new version. */
export function comparePipelines(previous: Definitions, next: Definitions, changedFunctions: ReadonlySet<string>, changes: Changes): void {
  const before = new DefinitionIndex(previous);
  for (const [name, old, current] of matched(previous.pipelines, next.pipelines)) {
    if (current === undefined) changes.add('removed', name, 'pipeline');
    else if (old === undefined) compareNew(current, before, changes);
    else if (current.version < old.version)
      changes.add('breaking', name, `its version went from ${old.version} back to ${current.version}: versions only grow`);
    else if (current.version > old.version)
      changes.add('needsBackfill', name, `version ${old.version} → ${current.version}: built from the log beside the old one (S18)`);
    else compareInPlace(old, current, { changedFunctions, bump: bumpOf(current, next), changes });
  }
}

/** S25a: what publishes cannot be built again into the same topic. */
function bumpOf(pipeline: PipelineDefinition, definitions: Definitions): string {
  const { name, output } = pipeline;
  return publishes(pipeline, definitions)
    ? `raise the version of ${name}, and that of ${output}, which it publishes: its topic is then new (S25a)`
    : `raise the version of ${name}`;
}

interface Comparing {
  readonly changedFunctions: ReadonlySet<string>;
  readonly bump: string;
  readonly changes: Changes;
}

/** S18: a pipeline over a dataset that has been filling starts from the log's beginning. */
function compareNew(pipeline: PipelineDefinition, before: DefinitionIndex, changes: Changes): void {
  changes.add('added', pipeline.name, 'new pipeline');
  const filled = pipeline.inputs.filter((input) => before.datasets.has(input));
  if (filled.length > 0) changes.add('needsBackfill', pipeline.name, `built from the log of ${filled.join(', ')} (S18)`);
}

function compareInPlace(old: PipelineDefinition, current: PipelineDefinition, { changedFunctions, bump, changes }: Comparing): void {
  const { name } = current;
  if (old.inputs.join() !== current.inputs.join())
    changes.add('breaking', name, `its inputs were ${old.inputs.join(', ')} and are ${current.inputs.join(', ')}: ${bump}`);
  for (const [i, step] of longer(old.steps, current.steps).entries()) {
    if (same(old.steps[i], current.steps[i])) continue;
    changes.add('breaking', name, `its step ${i + 1} (${step.kind}) changed: ${bump}`);
    break; // those behind it are only shifted
  }
  for (const step of current.steps) {
    if (step.kind === 'transform' && changedFunctions.has(step.function))
      changes.add('breaking', name, `the code of the transform ${step.function}, or something that it reaches, changed: ${bump}`);
  }
  if ((old.aggregate === undefined) !== (current.aggregate === undefined))
    changes.add('breaking', name, `it ${current.aggregate === undefined ? 'aggregates no more' : 'aggregates now'}: ${bump}`);
  else if (old.aggregate !== undefined && current.aggregate !== undefined)
    compareAggregates(old.aggregate, current.aggregate, current.output, { name, bump, changes });
  if (['description', 'owner', 'tags', 'deprecated'].some((key) => !same(Reflect.get(old, key), Reflect.get(current, key))))
    changes.add('changed', name, 'description, owner, tags or deprecated');
}

function compareAggregates(
  old: Aggregate,
  current: Aggregate,
  output: string,
  { name, bump, changes }: Pick<Comparing, 'bump' | 'changes'> & { readonly name: string },
): void {
  if (old.groupBy.join() !== current.groupBy.join())
    changes.add('breaking', name, `it grouped by ${old.groupBy.join(', ')} and groups by ${current.groupBy.join(', ')}: ${bump}`);
  const held = new Set(old.aggregations.flatMap(measuresOf));
  const named = (aggregate: Aggregate): readonly { readonly name: string; readonly aggregation: Aggregation }[] =>
    aggregate.aggregations.map((aggregation) => ({ name: aggregation.field, aggregation }));
  for (const [field, was, is] of matched(named(old), named(current))) {
    const place = `${output}.${field}`;
    if (is === undefined) changes.add('removed', place, 'aggregation');
    else if (was === undefined) compareAdded(place, is.aggregation, held, changes);
    else if (!same(was.aggregation, is.aggregation))
      changes.add(
        'breaking',
        place,
        `${changedParts(was.aggregation, is.aggregation)} of an aggregation changed: ${bump}, or give it another name`,
      );
  }
}

/** The timeline answers at once what reads columns that it holds; others are built beside (S18). */
function compareAdded(place: string, aggregation: Aggregation, held: ReadonlySet<string>, changes: Changes): void {
  changes.add('added', place, `${aggregation.operator}${aggregation.of === undefined ? '' : ` of ${aggregation.of}`}`);
  if (!measuresOf(aggregation).every((measure) => held.has(measure)))
    changes.add('needsBackfill', place, 'the pipeline does not hold what it reads: it is built from the log beside (S18)');
}

/** What a timeline must hold for an aggregation: a column where its `where` is true, with digests for percentiles. */
function measuresOf({ operator, of, where }: Aggregation): readonly string[] {
  const isRows = operator === 'last' || operator === 'lastK';
  // Rows that a `where` rules out are no rows at all to them, while a null that it lets pass is one: they hold both.
  const columns = isRows && where !== undefined ? [{ of }, { where }] : of === undefined && where === undefined ? [] : [{ of, where }];
  const held = columns.map((column) => canonicalJson(column));
  return operator === 'percentile' || operator === 'percentRank' ? [...held, ...held.map((column) => `digest ${column}`)] : held;
}

function changedParts(was: Aggregation, is: Aggregation): string {
  const parts = ['operator', 'of', 'windowUs', 'where', 'pct', 'k', 'dedup', 'dropNull'] as const;
  return parts
    .filter((part) => !same(was[part], is[part]))
    .map((part) => part.replace(/Us$/, ''))
    .join(' and ');
}

function longer(a: readonly Step[], b: readonly Step[]): readonly Step[] {
  return a.length >= b.length ? a : b;
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
