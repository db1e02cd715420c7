import { collectDefinitions } from './collect.js';
import { evaluateBundle } from './evaluate-bundle.js';
import { functionIdentities, type FoundFunction } from './function-identities.js';
import { classNameOf, marksOfClass } from './marks.js';

/**
 * Each function of a bundle by the id that definitions name it with, as a text that differs where the function does: of a
 * transform or an upgrade the identity of all that it reaches (S19), of an extractor, which may change freely, its own text.
 * Runs the bundle.
 */
export function bundleFunctions(code: string): ReadonlyMap<string, string> {
  const exported = evaluateBundle(code);
  const { functions, methods } = collectDefinitions(exported);
  const extractors = new Map(extractorTexts(exported));
  const found = new Map<string, FoundFunction>();
  for (const [id, run] of functions) {
    if (extractors.has(id) || !id.includes('#')) continue;
    const pipeline = id.slice(0, id.indexOf('#'));
    const method = methods.get(pipeline);
    const transforms = [...functions.keys()].filter((other) => other.startsWith(`${pipeline}#`)).length;
    found.set(id, { text: run.toString(), ...(method === undefined ? {} : { method: { text: method.toString(), transforms } }) });
  }
  const texts = [...functions].map(([id, run]) => [id, run.toString()] as const);
  return new Map([...texts, ...extractors, ...functionIdentities(code, found)]);
}

/** The author's own methods: collecting wraps them, so that all of those have one text. */
function extractorTexts(exported: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] {
  return Object.values(exported).flatMap((candidate) => {
    const marks = marksOfClass(candidate);
    if (marks?.featureset === undefined) return [];
    return marks.extractors.map(({ name, method }) => [`${classNameOf(candidate)}.${name}`, method.toString()] as const);
  });
}
