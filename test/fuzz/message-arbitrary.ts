import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { EntityKeySchema, type EntityKey } from '../../gen/thyme/v1/values_pb.js';
import { fieldOf, names, numbers, texts } from './arbitraries.js';

/** Messages below this depth stay empty. */
const DEPTH_MAX = 5;

/** Keys that fit the datasets of the target, so that what comes after the key is reached. */
export const goodKeys: fc.Arbitrary<EntityKey> = fc.constantFrom(
  create(EntityKeySchema, { values: [{ kind: { case: 'stringValue', value: '101' } }] }),
  create(EntityKeySchema, { values: [{ kind: { case: 'intValue', value: 102n } }] }),
);

const goodInstants = fc.constantFrom(create(TimestampSchema), create(TimestampSchema, { seconds: 1_767_225_600n, nanos: 500 }));

/** Any message of the type, as its descriptor says; strings and numbers lean towards those that mean something. */
export function messageOf(desc: DescMessage, depth = 0): fc.Arbitrary<Message> {
  if (desc.typeName === EntityKeySchema.typeName && depth > 0) return fc.oneof({ weight: 4, arbitrary: goodKeys }, messageOf(desc));
  if (desc.typeName === TimestampSchema.typeName && depth > 0) return fc.oneof({ weight: 4, arbitrary: goodInstants }, messageOf(desc));
  const fields = depth >= DEPTH_MAX ? [] : desc.fields;
  // Few fields at a time in wide messages, else something is wrong in each and only the first check is reached.
  const choose = (from: DescField[]) => (from.length <= 4 ? fc.constant(from) : fc.subarray(from, { minLength: 1 }));
  return fc
    .oneof({ weight: 6, arbitrary: choose(withoutInstants(fields)).map((some) => withNames(fields, some)) }, choose([...fields]))
    .chain((some) =>
      fc.tuple(...some.map((field) => fc.option(valueOf(field, depth), { freq: 4 }))).map((values) => build(desc, some, values)),
    );
}

/** Without instants that may also be said in microseconds: as few others as before go with the fields that matter. */
function withoutInstants(fields: readonly DescField[]): DescField[] {
  return fields.filter(({ fieldKind, message }) => fieldKind !== 'message' || message?.typeName !== TimestampSchema.typeName);
}

/** With what a question is about: without it only the first check is reached. */
function withNames(fields: readonly DescField[], some: readonly DescField[]): DescField[] {
  return fields.filter((field) => some.includes(field) || ['featureset', 'dataset', 'entity'].includes(field.name));
}

function build(desc: DescMessage, fields: readonly DescField[], values: readonly unknown[]): Message {
  const init: Record<string, unknown> = {};
  fields.forEach((field, i) => {
    const value = values[i];
    if (value === null || value === undefined) return;
    if (field.oneof === undefined) init[field.localName] = value;
    else init[field.oneof.localName] = { case: field.localName, value };
  });
  return create(desc, init);
}

function valueOf(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarOf(field.scalar, field.name);
    case 'enum':
      return enumOf(field.enum.values.map(({ number }) => number));
    case 'message':
      return messageOf(field.message, depth + 1);
    case 'list':
      return fc.array(elementOf(field, depth), { maxLength: 4 });
    case 'map':
      return fc.dictionary(names, elementOf(field, depth), { maxKeys: 3, noNullPrototype: false });
  }
}

function elementOf(field: DescField & { readonly fieldKind: 'list' | 'map' }, depth: number): fc.Arbitrary<unknown> {
  const kind = field.fieldKind === 'list' ? field.listKind : field.mapKind;
  if (kind === 'message' && field.message !== undefined) return messageOf(field.message, depth + 1);
  if (kind === 'enum' && field.enum !== undefined) return enumOf(field.enum.values.map(({ number }) => number));
  return scalarOf(field.scalar ?? ScalarType.STRING, field.name);
}

/** Numbers that the sender's version may know and ours does not are numbers all the same. */
function enumOf(known: readonly number[]): fc.Arbitrary<number> {
  return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, fc.constantFrom(99, -1, 2 ** 31 - 1));
}

const int64s = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0n, 1n, 2n, -1n, 1_767_225_600_000_000n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)) },
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

function scalarOf(type: ScalarType, name: string): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      if (name === 'after')
        return fc.oneof(
          { weight: 3, arbitrary: fc.constant('') },
          texts.map((text) => text.replace(/[\uD800-\uDFFF]/g, '?')),
        );
      return (name === 'featureset' || name === 'dataset' ? fieldOf(name) : texts).map((text) =>
        (typeof text === 'string' ? text : JSON.stringify(text)).replace(/[\uD800-\uDFFF]/g, '?'),
      );
    case ScalarType.BYTES:
      return fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fieldOf('events').map((events) => Uint8Array.from(Buffer.from(JSON.stringify(events)))),
      );
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return int64s;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return int64s.map((value) => BigInt.asUintN(64, value));
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return fc.oneof(
        numbers.map((value) => Math.fround(value)),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
      );
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.oneof(fc.constantFrom(0, 1, 2, 7, 2 ** 32 - 1), fc.nat());
    default:
      return fc.oneof(fc.constantFrom(0, 1, 2, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
  }
}
