import type { Definitions, PipelineDefinition } from '../../libs/definition/definitions.js';
import type { Measure, TimelineIdentity } from '../../libs/definition/revision.js';
import { outputFields, type Datasets } from '../../libs/definition/step-schema.js';
import { canonicalJson } from '../../libs/definition/canonical-json.js';
import { INDEX_PREFIX, sameTopics, topicsOf } from '../../libs/definition/timeline-topics.js';
import { INDEX_MEASURES, measuresOf } from '../../libs/pipeline/measures.js';

export interface Identified {
  readonly timelines: readonly TimelineIdentity[];
  readonly nextId: number;
  /** Aggregations over columns that their version's timelines do not hold, of pipelines that publish (S19, S25). */
  readonly unheld: readonly Unheld[];
  /** Pipelines whose whole history would go to a topic that has such rows already (S25a). */
  readonly republished: readonly PipelineDefinition[];
}

/** What the revisions before leave to a new one. */
export interface Inherited {
  /** The timelines of the one before, each with the topics that it belongs to. */
  readonly timelines: readonly TimelineIdentity[];
  /** Dataset versions that pipelines have published to. */
  readonly published: ReadonlySet<string>;
  readonly firstId: number;
}

export interface Unheld {
  readonly pipeline: PipelineDefinition;
  /** What the missing measures read, such as `amount` or `amount where ...`. */
  readonly columns: readonly string[];
}

/**
 * The identity of each timeline that checked definitions need. One whose name, version and topics the previous revision has
 * keeps its id and its measures, as long as these serve all that is aggregated; every other gets an id that no revision before
 * had, and is built from history (S18). So does one that was removed and has come back: its timelines missed what was pushed in
 * between. A pipeline that publishes cannot be built again into the same topic: its rows would come twice (S25a).
 */
export function identifyTimelines(definitions: Definitions, { timelines: previous, published, firstId }: Inherited): Identified {
  const earlier = new Map(previous.map((timeline) => [nameOf(timeline), timeline]));
  const timelines: TimelineIdentity[] = [];
  const unheld: Unheld[] = [];
  const republished: PipelineDefinition[] = [];
  let nextId = firstId;
  for (const wanted of wantedTimelines(definitions)) {
    const kept = earlier.get(nameOf(wanted));
    if (kept === undefined || !sameTopics(kept, wanted)) {
      timelines.push({ ...wanted, id: nextId++ });
      const again = wanted.output !== undefined && published.has(wanted.output) ? pipelineOf(definitions, wanted) : undefined;
      if (again !== undefined) republished.push(again);
      continue;
    }
    const missing = wanted.measures.filter((measure) => !kept.measures.some((held) => serves(held, measure)));
    const publishing = missing.length === 0 || wanted.output === undefined ? undefined : pipelineOf(definitions, wanted);
    if (missing.length === 0 || publishing !== undefined) timelines.push(kept);
    // What was held stays held, so that going back to the definitions before is served at once.
    else
      timelines.push({
        ...wanted,
        measures: [...kept.measures.filter((held) => !wanted.measures.some((measure) => serves(measure, held))), ...wanted.measures],
        id: nextId++,
      });
    if (publishing !== undefined) unheld.push({ pipeline: publishing, columns: missing.map(describeMeasure) });
  }
  return { timelines, nextId, unheld, republished };
}

type WantedTimeline = Omit<TimelineIdentity, 'id'>;

function wantedTimelines(definitions: Definitions): readonly WantedTimeline[] {
  const { datasets, pipelines } = definitions;
  const byName: Datasets = new Map(datasets.map((dataset) => [dataset.name, dataset]));
  const aggregated = new Set(pipelines.filter((pipeline) => pipeline.aggregate !== undefined).map((pipeline) => pipeline.output));
  const indexed = datasets.filter((dataset) => dataset.index && !aggregated.has(dataset.name));
  return [
    // Also one that only publishes: its timeline stays empty, and its reader needs an identity (S18, S25).
    ...pipelines.map((pipeline) => ({
      name: pipeline.name,
      version: pipeline.version,
      measures: measuresOf(pipeline, fieldsOf(pipeline, byName)),
    })),
    ...indexed.map(({ name, version }) => ({ name: `${INDEX_PREFIX}${name}`, version, measures: INDEX_MEASURES })),
  ].map((timeline) => ({ ...timeline, ...topicsOf(timeline.name, definitions) }));
}

function pipelineOf({ pipelines }: Definitions, { name }: WantedTimeline): PipelineDefinition | undefined {
  return pipelines.find((pipeline) => pipeline.name === name);
}

function fieldsOf(pipeline: PipelineDefinition, datasets: Datasets): ReturnType<typeof outputFields>[number] {
  return outputFields(pipeline, datasets).at(-1) ?? [];
}

function nameOf({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name} v${version}`;
}

/** Whether a column that is held answers for one that is wanted: the same values, and a digest where one is read. */
function serves(held: Measure, wanted: Measure): boolean {
  if (wanted.digest && !held.digest) return false;
  return canonicalJson([held.of, held.where, held.type]) === canonicalJson([wanted.of, wanted.where, wanted.type]);
}

function describeMeasure({ of, where, digest }: Measure): string {
  return `${of ?? 'records'}${where === undefined ? '' : ' under another where'}${digest ? ' with a digest for percentiles' : ''}`;
}
