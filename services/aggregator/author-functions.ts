import { collectDefinitions } from '../../libs/definition/collect.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { AuthorFunctions } from '../../libs/pipeline/steps.js';

/** The transforms of a revision's bundle, evaluated here and now: it is operator-trusted code (DESIGN 8). */
export function authorFunctionsOf({ bundle, definitions }: Revision): AuthorFunctions {
  const transforms = definitions.pipelines.some((pipeline) => pipeline.steps.some((step) => step.kind === 'transform'));
  const upgrades = definitions.datasets.some(({ upgrade }) => upgrade?.kind === 'function');
  // Nothing of the author's runs where nothing needs it.
  const functions = transforms || upgrades ? collectDefinitions(evaluateBundle(bundle.code)).functions : new Map<string, never>();
  return { transform: (name) => functions.get(name), decimal: Decimal };
}

/** Evaluates each bundle once for all partitions of the process. */
export function cachedAuthorFunctions(): (revision: Revision) => AuthorFunctions {
  let last: { readonly number: number; readonly functions: AuthorFunctions } | undefined;
  return (revision) => {
    if (last?.number !== revision.number) last = { number: revision.number, functions: authorFunctionsOf(revision) };
    return last.functions;
  };
}
