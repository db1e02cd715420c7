import { checkDefinitions } from '../../libs/definition/check.js';
import { compareDefinitions, type Change } from '../../libs/definition/compare.js';
import type { Definitions, PipelineDefinition } from '../../libs/definition/definitions.js';
import type { Problem } from '../../libs/definition/problem.js';
import type { Revision } from '../../libs/definition/revision.js';
import { canonicalJson } from '../../libs/definition/canonical-json.js';
import { changedFunctions, loadBundle, type LoadedBundle } from './bundle-check.js';
import type { PastDefinitions } from './past-definitions.js';
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
  | { readonly kind: 'refused'; readonly changes: readonly Change[] }
  | { readonly kind: 'new'; readonly changes: readonly Change[]; readonly revision: Revision };

/** Where the history stands that a commit is decided on. */
export interface Standing {
  readonly previous: Revision | undefined;
  readonly past: PastDefinitions;
  /** Of the revision to make. */
  readonly number: number;
  readonly firstTimelineId: number;
  readonly nowUs: number;
  /**
   * Only for who may commit: it is code that gets this process's rights. Without it, functions that
   * are missing, or whose code has changed, are not seen.
   */
  readonly runBundle: boolean;
}

const NOT_LOADED: LoadedBundle = { problems: [], functions: new Map() };
const NOTHING: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [] };

/** What a commit would change, and why it may be refused (S19). Runs the bundle once, if at all; nothing else happens. */
export function decideCommit(proposal: Proposal, standing: Standing): Decision {
  const { previous, past, number, nowUs, runBundle } = standing;
  const loaded = runBundle ? loadBundle(proposal.bundle, proposal.definitions) : NOT_LOADED;
  const problems = [...checkDefinitions(proposal.definitions), ...loaded.problems];
  if (problems.length > 0) return { kind: 'invalid', problems };
  const definitions = past.inStoredOrder(proposal.definitions);
  const { timelines, unheld } = identifyTimelines(definitions, previous?.timelines ?? [], standing.firstTimelineId);
  const revision = { number, createdUs: nowUs, definitions, bundle: proposal.bundle, timelines };
  if (isSame(previous, revision)) return { kind: 'unchanged' };
  const compared = changesOf(definitions, proposal.bundle, loaded, standing);
  const changes = [...compared.filter((change) => !isBuiltBeside(change, unheld)), ...unheld.filter((one) => !isRefused(one, compared)).map(needsNewVersion)];
  if (changes.some((change) => change.kind === 'breaking')) return { kind: 'refused', changes };
  return { kind: 'new', changes, revision };
}

function changesOf(definitions: Definitions, bundle: Revision['bundle'], loaded: LoadedBundle, { previous, past }: Standing): readonly Change[] {
  const before = previous?.definitions ?? NOTHING;
  const changed = changedFunctions(previous?.bundle, loaded.functions);
  const compared = compareDefinitions(before, definitions, { changedFunctions: changed, retiredFeatures: past.retiredFeatures(before) });
  const returned = past.refusedReturns(before, definitions);
  // A function that stayed the same may call what has changed: that goes live with the revision, so it is shown.
  const otherCode = previous !== undefined && previous.bundle.sha256 !== bundle.sha256 && changed.size === 0;
  return [...compared, ...returned, ...(otherCode ? [{ kind: 'changed', place: 'bundle', message: 'code' } as const] : [])];
}

function isSame(previous: Revision | undefined, next: Revision): boolean {
  return previous !== undefined && canonicalJson([previous.definitions, previous.bundle]) === canonicalJson([next.definitions, next.bundle]);
}

/** The comparison's own word on an aggregation that `needsNewVersion` refuses. */
function isBuiltBeside({ kind, place }: Change, unheld: readonly Unheld[]): boolean {
  return kind === 'needsBackfill' && unheld.some(({ pipeline }) => isField(place, pipeline));
}

/** An aggregation that was changed is refused for that, and need not be for what it reads as well. */
function isRefused({ pipeline }: Unheld, compared: readonly Change[]): boolean {
  return compared.some(({ kind, place }) => kind === 'breaking' && (isField(place, pipeline) || place === pipeline.name));
}

function isField(place: string, { output, name }: PipelineDefinition): boolean {
  return place.startsWith(`${output}.`) && place !== name;
}

function needsNewVersion({ pipeline: { name, version }, columns }: Unheld): Change {
  return { kind: 'breaking', place: name, message: `it aggregates what its version ${version} does not hold (${columns.join(', ')}) and cannot be built again, since it publishes (S25): raise the version of ${name}` };
}
