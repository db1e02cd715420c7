import { checkDefinitions } from '../../libs/definition/check.js';
import { compareDefinitions, type DefinitionChange } from '../../libs/definition/compare.js';
import type { Definitions, PipelineDefinition } from '../../libs/definition/definitions.js';
import type { Problem } from '../../libs/definition/problem.js';
import type { Revision, TimelineIdentity } from '../../libs/definition/revision.js';
import { datasetVersionName } from '../../libs/definition/timeline-topics.js';
import { canonicalJson } from '../../libs/definition/canonical-json.js';
import { changedFunctions, loadBundle, type LoadedBundle } from './bundle-check.js';
import { carryOversOf, raisedDatasets } from './carry-overs.js';
import type { PastDefinitions } from './past-definitions.js';
import { unreadableSources } from './source-check.js';
import { identifyTimelines, type Unheld } from './timeline-identities.js';

export interface Proposal {
  readonly definitions: Definitions;
  readonly bundle: Revision['bundle'];
}

export type Decision =
  /** All that is wrong with the module itself; nothing is said about what it would change. */
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }
  /** It is what there is already. */
  | { readonly kind: 'unchanged' }
  /** Some of the changes are `breaking`. */
  | { readonly kind: 'refused'; readonly changes: readonly DefinitionChange[] }
  | { readonly kind: 'new'; readonly changes: readonly DefinitionChange[]; readonly revision: Revision };

/** Where the history stands that a commit is decided on. */
export interface Standing {
  readonly previous: Revision | undefined;
  /** The timelines of the previous revision, each with the topics that it has belonged to from its start. */
  readonly timelines: readonly TimelineIdentity[];
  readonly past: PastDefinitions;
  /** The number of the revision to make. */
  readonly number: number;
  readonly firstTimelineId: number;
  /** How many records each dataset holds whose version is raised, for who plans (S19a). */
  readonly recordCounts: ReadonlyMap<string, number>;
  readonly nowUs: number;
  /**
   * Only for those who may commit: it is code that gets this process's rights. Without it, functions that
   * are missing, or whose code has changed, are not seen.
   */
  readonly runBundle: boolean;
  /** That sources may name; undefined for any. */
  readonly connectors?: ReadonlySet<string> | undefined;
}

const NOT_LOADED: LoadedBundle = { problems: [], functions: new Map() };
const NOTHING: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [] };

/** What a commit would change, and why it may be refused (S19). Runs the bundle once, if at all; nothing else happens. */
export function decideCommit(proposal: Proposal, standing: Standing): Decision {
  const { previous, past, number, nowUs, runBundle } = standing;
  const loaded = runBundle ? loadBundle(proposal.bundle, proposal.definitions) : NOT_LOADED;
  const unread = standing.connectors === undefined ? [] : unreadableSources(proposal.definitions, standing.connectors);
  const problems = [...checkDefinitions(proposal.definitions), ...unread, ...loaded.problems];
  if (problems.length > 0) return { kind: 'invalid', problems };
  const definitions = past.inStoredOrder(proposal.definitions);
  const { timelines, unheld, republished, nextId } = identifyTimelines(definitions, {
    timelines: standing.timelines,
    published: past.published,
    firstId: standing.firstTimelineId,
  });
  const carryOvers = carryOversOf(raisedDatasets(definitions, past), previous?.carryOvers ?? [], { firstId: nextId, revision: number });
  const revision: Revision = {
    number,
    createdUs: nowUs,
    definitions,
    bundle: proposal.bundle,
    timelines,
    ...(carryOvers.length === 0 ? {} : { carryOvers }),
  };
  if (isSame(previous, revision, nextId === standing.firstTimelineId)) return { kind: 'unchanged' };
  const compared = changesOf(definitions, proposal.bundle, loaded, standing);
  const changes = [
    ...compared.filter((change) => !isBuiltBeside(change, unheld)),
    ...unheld.filter((one) => !isRefused(one, compared)).map(needsNewVersion),
    ...republished.map((pipeline) => publishesAgain(pipeline, definitions)),
  ];
  if (changes.some((change) => change.kind === 'breaking')) return { kind: 'refused', changes };
  return { kind: 'new', changes, revision };
}

function changesOf(
  definitions: Definitions,
  bundle: Revision['bundle'],
  loaded: LoadedBundle,
  { previous, past, recordCounts }: Standing,
): readonly DefinitionChange[] {
  const before = previous?.definitions ?? NOTHING;
  const changed = changedFunctions(previous?.bundle, loaded.functions);
  const compared = compareDefinitions(before, definitions, {
    changedFunctions: changed,
    retiredFeatures: past.retiredFeatures(before),
    recordCounts,
    carried: new Set((previous?.carryOvers ?? []).map(({ from, toVersion }) => datasetVersionName(from.name, toVersion))),
  });
  const returned = past.refusedReturns(before, definitions);
  // A function that stayed the same may call what has changed: that goes live with the revision, so it is shown.
  const otherCode = previous !== undefined && previous.bundle.sha256 !== bundle.sha256 && changed.size === 0;
  return [...compared, ...returned, ...(otherCode ? [{ kind: 'changed', place: 'bundle', message: 'code' } as const] : [])];
}

/** Also of the same definitions another revision is made where a timeline of theirs has to be built anew. */
function isSame(previous: Revision | undefined, next: Revision, keepsTimelines: boolean): boolean {
  return (
    keepsTimelines &&
    previous !== undefined &&
    canonicalJson([previous.definitions, previous.bundle]) === canonicalJson([next.definitions, next.bundle])
  );
}

/** The comparison's own word on an aggregation that `needsNewVersion` refuses. */
function isBuiltBeside({ kind, place }: DefinitionChange, unheld: readonly Unheld[]): boolean {
  return kind === 'needsBackfill' && unheld.some(({ pipeline }) => isField(place, pipeline));
}

/** An aggregation that was changed is refused for that, and need not be for what it reads as well. */
function isRefused({ pipeline }: Unheld, compared: readonly DefinitionChange[]): boolean {
  return compared.some(({ kind, place }) => kind === 'breaking' && (isField(place, pipeline) || place === pipeline.name));
}

function isField(place: string, { output, name }: PipelineDefinition): boolean {
  return place.startsWith(`${output}.`) && place !== name;
}

function needsNewVersion({ pipeline: { name, version, output }, columns }: Unheld): DefinitionChange {
  return {
    kind: 'breaking',
    place: name,
    message: `it aggregates what its version ${version} does not hold (${columns.join(', ')}) and cannot be built again, since it publishes (S25a): raise the version of ${output}, whose topic is then new`,
  };
}

function publishesAgain({ name, output }: PipelineDefinition, { datasets }: Definitions): DefinitionChange {
  const version = datasets.find((dataset) => dataset.name === output)?.version ?? 0;
  return {
    kind: 'breaking',
    place: name,
    message: `its whole history would be published into version ${version} of ${output}, where the rows are already, and come twice (S25a): raise the version of ${output}, whose topic is then new; who reads it by its name moves to that`,
  };
}
