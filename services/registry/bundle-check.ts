import { createHash } from 'node:crypto';
import { bundleFunctions } from '../../libs/definition/bundle-functions.js';
import type { Definitions } from '../../libs/definition/definitions.js';
import type { Problem } from '../../libs/definition/problem.js';
import type { Revision } from '../../libs/definition/revision.js';
import { ThymeError } from '../../libs/errors/errors.js';

type Bundle = Revision['bundle'];
/** What tells each function from another, by the id that the definitions name it with (bundle-functions.ts). */
export type FunctionTexts = ReadonlyMap<string, string>;

export interface LoadedBundle {
  readonly problems: readonly Problem[];
  readonly functions: FunctionTexts;
}

const PLACE = 'bundle';
const NO_FUNCTIONS: FunctionTexts = new Map();

/**
 * Runs the bundle once, as every service will run it, and says what is wrong: bytes that are not
 * those of its hash, code that does not load, a function that the definitions name and it lacks.
 */
export function loadBundle(bundle: Bundle, definitions: Definitions): LoadedBundle {
  const wanted = functionsNamedBy(definitions);
  if (bundle.code === '' && bundle.sha256 === '') {
    return {
      functions: NO_FUNCTIONS,
      problems: wanted.map(({ place, name }) => ({
        place,
        message: `it needs the function '${name}', and the commit has no bundle`,
        fix: 'send the bundle of the module',
      })),
    };
  }
  if (createHash('sha256').update(bundle.code).digest('hex') !== bundle.sha256) {
    return broken('its sha256 is not that of its code', 'send the code unchanged, with the lower-case hex SHA-256 of its UTF-8 bytes');
  }
  try {
    const functions = bundleFunctions(bundle.code);
    const missing = wanted.filter(({ name }) => !functions.has(name));
    return {
      functions,
      problems: missing.map(({ place, name }) => ({
        place,
        message: `the bundle has no function '${name}'`,
        fix: 'send the bundle of the very module that the definitions were read from',
      })),
    };
  } catch (cause) {
    const reason = cause instanceof ThymeError ? cause.message : String(cause);
    return broken(`its code does not load: ${reason}`, 'take out what a server does not have, and commit again');
  }
}

/**
 * Ids of functions that both bundles have and that are not the same. Found anew for the bundle before: it may be of a
 * revision of any age.
 */
export function changedFunctions(before: Bundle | undefined, after: FunctionTexts): ReadonlySet<string> {
  const earlier = before === undefined || before.code === '' ? NO_FUNCTIONS : textsIfLoads(before.code);
  return new Set([...after].filter(([id, text]) => earlier.has(id) && earlier.get(id) !== text).map(([id]) => id));
}

/** A bundle that loaded when it was committed, and may no longer under another version of Node: then nothing is known. */
function textsIfLoads(code: string): FunctionTexts {
  try {
    return bundleFunctions(code);
  } catch {
    return NO_FUNCTIONS;
  }
}

function broken(message: string, fix: string): LoadedBundle {
  return { functions: NO_FUNCTIONS, problems: [{ place: PLACE, message, fix }] };
}

/** Every function that the definitions name, and where. */
function functionsNamedBy({ datasets, pipelines, featuresets }: Definitions): readonly { readonly place: string; readonly name: string }[] {
  const transforms = pipelines.flatMap(({ name: place, steps }) =>
    steps.flatMap((step) => (step.kind === 'transform' ? [{ place, name: step.function }] : [])),
  );
  const extractors = featuresets.flatMap((featureset) =>
    featureset.extractors.map((extractor) => ({ place: `${featureset.name}.${extractor.name}`, name: extractor.function })),
  );
  const upgrades = datasets.flatMap(({ name: place, upgrade }) =>
    upgrade?.kind === 'function' ? [{ place, name: upgrade.function }] : [],
  );
  return [...upgrades, ...transforms, ...extractors];
}
