import type { DatasetDefinition, Definitions } from '../../libs/definition/definitions.js';
import type { CarryOver } from '../../libs/definition/revision.js';
import type { PastDefinitions } from './past-definitions.js';

/**
 * A dataset that is defined at a higher version than any before it: what becomes of the earlier version's records is to
 * be decided (S19a).
 */
export interface Raised {
  readonly from: DatasetDefinition;
  readonly to: DatasetDefinition;
}

/**
 * The datasets that clients push to, or a source fills, and whose version the definitions raise. What a pipeline fills
 * is built anew instead.
 */
export function raisedDatasets({ datasets, pipelines }: Definitions, past: PastDefinitions): readonly Raised[] {
  return datasets.flatMap((to): readonly Raised[] => {
    const from = past.dataset(to.name);
    const isFilled = pipelines.some((pipeline) => pipeline.output === to.name);
    return from === undefined || isFilled || to.version <= from.version ? [] : [{ from, to }];
  });
}

/**
 * Those of the revision before, all of them, and one for each dataset that is raised with a function. None is ever dropped: a
 * process that has not yet heard of the new version may still put a record into the old one, and that has been accepted (S13).
 */
export function carryOversOf(
  raised: readonly Raised[],
  before: readonly CarryOver[],
  { firstId, revision }: { readonly firstId: number; readonly revision: number },
): readonly CarryOver[] {
  const begun = raised.filter(({ to }) => to.upgrade?.kind === 'function');
  return [...before, ...begun.map(({ from, to }, i): CarryOver => ({ id: firstId + i, from, toVersion: to.version, revision }))];
}
