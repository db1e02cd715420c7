import { Decimal } from '../definition/decimal.js';
import { classNameOf, datasetNameOf, featuresetNameOf, marksOfClass, type FeatureMark, type FieldMark } from '../definition/marks.js';
import { invalidArgument } from '../errors/errors.js';
import { compileFromAuthor, compileToAuthor } from '../schema/author-value.js';
import { compileReader } from '../schema/read-value.js';
import type { Field } from '../schema/value-type.js';
import { compileWriter, type JsonValue } from '../schema/write-value.js';

/** Between what TypeScript sees of a class's fields, and JSON. */
export interface ClassCodec {
  /** The dataset's or featureset's name. */
  readonly name: string;
  /** An answer's values as the class declares them. Throws where a declared field is missing or of another type. */
  read(json: unknown): Record<string, unknown>;
  /** A record of the class as JSON. Throws INVALID_ARGUMENT, naming the field, for what does not fit. */
  write(value: unknown): JsonValue;
}

const datasets = new WeakMap<object, ClassCodec>();
const featuresets = new WeakMap<object, ClassCodec>();

/** A dataset's records. Throws for a class that is no dataset. */
export function datasetCodec(dataset: object): ClassCodec {
  return cached(datasets, dataset, () => codecOf(datasetNameOf(dataset), marksOfClass(dataset)?.fields ?? []));
}

/** A featureset's features, request-time inputs among them, as answers hold them. Throws for a class that is no featureset. */
export function featuresetCodec(featureset: object): ClassCodec {
  return cached(featuresets, featureset, () => codecOf(featuresetNameOf(featureset), marksOfClass(featureset)?.features ?? []));
}

/** A featureset's request-time inputs alone. */
export function writeInputs(featureset: object, inputs: unknown): JsonValue {
  const marks: readonly FeatureMark[] = marksOfClass(featureset)?.features ?? [];
  return codecOf(
    `${classNameOf(featureset)}.inputs`,
    marks.filter(({ input }) => input),
  ).write(inputs);
}

/** Some fields of a dataset alone, such as those that name a row. */
export function partCodec(dataset: object, names: readonly string[]): ClassCodec {
  const marks: readonly FieldMark[] = marksOfClass(dataset)?.fields ?? [];
  return codecOf(
    datasetNameOf(dataset),
    marks.filter(({ name }) => names.includes(name)),
  );
}

/** The key's fields by name, as a URL says them; `undefined` for a key that is said bare. */
export function keyFields(entity: string | number | boolean | object): Readonly<Record<string, string>> | undefined {
  if (typeof entity !== 'object' || entity instanceof Date) return undefined;
  return Object.fromEntries(Object.entries(entity).map(([name, value]) => [name, keyText(value)]));
}

/** One value of a key as a URL says it. */
export function keyText(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

function cached(codecs: WeakMap<object, ClassCodec>, declared: object, make: () => ClassCodec): ClassCodec {
  const known = codecs.get(declared) ?? make();
  codecs.set(declared, known);
  return known;
}

function codecOf(name: string, marks: readonly (FieldMark | FeatureMark)[]): ClassCodec {
  const fields = marks.map((mark): Field => ({ name: mark.name, type: mark.type }));
  const fromJson = compileReader(fields, name);
  const toAuthor = compileToAuthor(fields, Decimal);
  const fromAuthor = compileFromAuthor(fields, name);
  const toJson = compileWriter(fields);
  return {
    name,
    read(json) {
      // A missing field would read as null, which an optional one may truly be.
      const missing = fields.find((field) => !isObject(json) || !Object.hasOwn(json, field.name));
      if (missing !== undefined)
        throw invalidArgument(
          `${name}.${missing.name}`,
          'is not in the answer: the deployment has another revision than this class, commit it',
        );
      return toAuthor(fromJson(json).row);
    },
    write: (value) => toJson(fromAuthor(value)),
  };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
