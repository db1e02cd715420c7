import type { FeatureDefinition, FeaturesetDefinition } from './definitions.js';
import { compileValueFromAuthor } from '../schema/author-value.js';
import type { Value } from '../schema/value-type.js';
import { datasetNameOf, type FeatureMark, featuresetNameOf, type Marks, type Method } from './marks.js';
import { omitUndefined } from './omit-undefined.js';
import type { Problems } from './problem.js';

export function featuresetDefinition(
  name: string,
  marks: Marks,
  options: NonNullable<Marks['featureset']>,
  owner: unknown,
  functions: Map<string, Method>,
  problems: Problems,
): FeaturesetDefinition {
  const extractors = marks.extractors.map(({ name: method, inputs, outputs, method: run }) => {
    const id = `${name}.${method}`;
    functions.set(id, (...given) => run.apply(owner, [...given])); // `this` is the class, as authors of static methods expect
    return { name: method, inputs, outputs, function: id };
  });
  const { description, owner: person, tags, deprecated, entity } = options;
  return {
    ...omitUndefined({ description, owner: person, tags, deprecated }),
    name,
    entity,
    features: marks.features.map((mark) => featureDefinition(name, mark, problems)),
    extractors,
  };
}

function featureDefinition(featureset: string, mark: FeatureMark, problems: Problems): FeatureDefinition {
  const place = `${featureset}.${mark.name}`;
  const { name, id, type, input, description, owner, tags, deprecated } = mark;
  return {
    ...omitUndefined({ description, owner, tags, deprecated }),
    ...omitUndefined({ ref: refOf(place, mark, problems), from: fromOf(place, mark, problems), default: defaultOf(place, mark, problems) }),
    name,
    id,
    type,
    input,
  };
}

function refOf(place: string, { ref }: FeatureMark, problems: Problems): FeatureDefinition['ref'] {
  if (ref === undefined) return undefined;
  return attempt(place, 'ref: [Dataset, field] names a class above this one', problems, () => ({
    dataset: datasetNameOf(ref[0]),
    field: ref[1],
  }));
}

function fromOf(place: string, { from }: FeatureMark, problems: Problems): FeatureDefinition['from'] {
  if (from === undefined) return undefined;
  return attempt(place, 'from: [Featureset, feature] names a class above this one', problems, () => ({
    featureset: featuresetNameOf(from[0]),
    feature: from[1],
  }));
}

function defaultOf(place: string, mark: FeatureMark, problems: Problems): Value | undefined {
  const { type, default: given } = mark;
  if (given === undefined || given === null) return undefined; // a default stands for null: null is none
  return attempt(place, "give a default of the feature's own type", problems, () => compileValueFromAuthor(type, 'the default')(given));
}

function attempt<T>(place: string, fix: string, problems: Problems, body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    problems.add(place, (error as Error).message, fix);
    return undefined;
  }
}
