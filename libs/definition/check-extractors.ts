import { nearestName } from '../errors/errors.js';
import { checkName } from './check-common.js';
import type { FeaturesetDefinition } from './definitions.js';
import { EXTRACTORS_MAX } from './limits.js';
import type { Problems } from './problem.js';

/** Every feature comes from one place: the entity, the request, a ref, another featureset, or one extractor. */
export function checkExtractors(featureset: FeaturesetDefinition, problems: Problems): void {
  const { name, features, extractors, entity } = featureset;
  if (extractors.length > EXTRACTORS_MAX)
    problems.add(name, `it has ${extractors.length} extractors`, `at most ${EXTRACTORS_MAX} are allowed`);
  checkNames(featureset, problems);
  const producerOf = new Map<string, string>();
  for (const extractor of extractors) {
    for (const output of extractor.outputs) {
      const other = producerOf.get(output);
      if (other !== undefined)
        problems.add(
          `${name}.${output}`,
          `the extractors '${other}' and '${extractor.name}' both produce it`,
          'remove it from the outputs of one',
        );
      producerOf.set(output, extractor.name);
    }
  }
  for (const feature of features) {
    const producer = producerOf.get(feature.name);
    const given = entity.includes(feature.name)
      ? 'is the entity'
      : feature.input
        ? 'comes with the request'
        : feature.ref !== undefined
          ? 'has a ref'
          : feature.from !== undefined
            ? 'has a from'
            : undefined;
    if (producer !== undefined && given !== undefined)
      problems.add(`${name}.${feature.name}`, `it ${given}, and the extractor '${producer}' produces it too`, 'keep one of them');
    if (producer === undefined && given === undefined)
      problems.add(
        `${name}.${feature.name}`,
        'nothing produces it',
        'give it a ref, name it in the outputs of an extractor, or make it an @input',
      );
  }
}

function checkNames({ name, features, extractors }: FeaturesetDefinition, problems: Problems): void {
  const known = new Set(features.map((feature) => feature.name));
  const seen = new Set<string>();
  for (const extractor of extractors) {
    const report = problems.at(`${name}.${extractor.name}`);
    checkName(extractor.name, report);
    if (seen.has(extractor.name)) report('two extractors have this name', 'rename one');
    seen.add(extractor.name);
    if (extractor.outputs.length === 0) report('it has no outputs', 'name the features that it computes');
    for (const list of ['inputs', 'outputs'] as const) {
      if (new Set(extractor[list]).size < extractor[list].length) report(`its ${list} name a feature twice`, 'name each once');
      for (const feature of extractor[list]) {
        if (known.has(feature)) continue;
        const nearest = nearestName(feature, known);
        report(
          `its ${list} name '${feature}', which is no feature of ${name}`,
          nearest === undefined ? "declare it; another featureset's comes by from: [Other, 'x']" : `did you mean '${nearest}'?`,
        );
      }
    }
  }
}
