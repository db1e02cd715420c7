import { readDefinitions } from '../../libs/definition/check.js';
import { datasetNameOf, type UserFunction } from '../../libs/definition/collect.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { definitionsInvalid } from '../../libs/definition/problem.js';
import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { AuthorModule } from '../../libs/feature/revision-plans.js';
import type { AuthorFunctions } from '../../libs/pipeline/steps.js';
import { decideCommit } from '../registry/decide-commit.js';
import { PastDefinitions } from '../registry/past-definitions.js';

/** The classes as a commit of a module that exports them would make them. */
export interface TestRevision {
  readonly revision: Revision;
  /** The author's functions as they are in the test's process: they can be stepped through, and count as covered. */
  readonly functions: AuthorFunctions;
  readonly author: AuthorModule;
}

/** There is no bundle: it would be the same functions, loaded a second time. */
const NO_BUNDLE = { sha256: '', code: '' };

/** Throws THYME_DEFINITIONS_INVALID with everything that is wrong, as `thyme commit` says it. */
export function commitClasses(classes: Readonly<Record<string, unknown>> | readonly unknown[], nowUs: number): TestRevision {
  const { definitions, functions } = readDefinitions(classes);
  if (definitions.datasets.length + definitions.featuresets.length === 0)
    throw invalidArgument('classes', 'none of them is a dataset or a featureset: list the classes that the test needs');
  const decision = decideCommit(
    { definitions, bundle: NO_BUNDLE },
    {
      previous: undefined,
      timelines: [],
      past: new PastDefinitions(),
      number: 1,
      firstTimelineId: 1,
      recordCounts: new Map(),
      nowUs,
      runBundle: false,
    },
  );
  if (decision.kind === 'invalid') throw definitionsInvalid(decision.problems);
  if (decision.kind !== 'new') throw new TypeError('a first commit is a new one');
  return { revision: decision.revision, ...functionsOf(functions) };
}

function functionsOf(functions: ReadonlyMap<string, UserFunction>): Omit<TestRevision, 'revision'> {
  return {
    functions: { transform: (name) => functions.get(name), decimal: Decimal },
    author: { functions, datasetNameOf, decimal: Decimal },
  };
}
