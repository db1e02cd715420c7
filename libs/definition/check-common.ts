import { TYPE_DEPTH_MAX } from '../schema/limits.js';
import type { Field, ValueType } from '../schema/value-type.js';
import type { Metadata } from './definitions.js';
import { DESCRIPTION_LENGTH_MAX, ENUM_VALUES_MAX, FIELDS_MAX, NAME, NUMBER_MAX, TAGS_MAX } from './limits.js';
import type { Problems, Report } from './problem.js';

// Checks that several kinds of definitions share.

/** Kinds that can be a key: equal keys are equal bytes (libs/codec/entity-key.ts). */
const KEY_KINDS = new Set<ValueType['kind']>(['string', 'int', 'enum', 'bool', 'date', 'timestamp']);

/** The same, as an author writes them. */
export const KEY_TYPES = 't.string, t.int, t.enum, t.bool, t.date or t.timestamp';

export function isKeyType(type: ValueType): boolean {
  return KEY_KINDS.has(type.kind);
}

export function checkName(name: string, report: Report): void {
  if (!NAME.test(name)) report(`'${name.slice(0, 140)}' is no name`, 'use up to 128 letters, digits and _, not beginning with a digit');
}

export function checkVersion(version: number, report: Report): void {
  if (!isPositive(version)) report(`its version is ${String(version)}`, 'versions are 1, 2, 3, ...');
}

export function isPositive(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= NUMBER_MAX;
}

/** S2. A text that was no duration is NaN by now. */
export function checkDuration(us: number | undefined, word: string, report: Report): void {
  if (us !== undefined && !(Number.isSafeInteger(us) && us > 0))
    report(`its ${word} is no positive duration`, "write a positive integer and one of s, m, h, d, w, such as '1h'");
}

export function checkMetadata({ description, owner, tags }: Metadata, report: Report): void {
  if ((description?.length ?? 0) > DESCRIPTION_LENGTH_MAX || (owner?.length ?? 0) > DESCRIPTION_LENGTH_MAX)
    report('its description or owner is too long', `use at most ${DESCRIPTION_LENGTH_MAX} characters`);
  if ((tags?.length ?? 0) > TAGS_MAX) report(`it has ${tags?.length ?? 0} tags`, `use at most ${TAGS_MAX}`);
}

/** Names, their uniqueness, and types of a list of fields. */
export function checkFields(place: string, fields: readonly Field[], problems: Problems): void {
  if (fields.length > FIELDS_MAX) problems.add(place, `it has ${fields.length} fields`, `at most ${FIELDS_MAX} are allowed: split it`);
  const seen = new Set<string>();
  for (const { name, type } of fields) {
    const report = problems.at(`${place}.${name}`);
    checkName(name, report);
    if (seen.has(name)) report('it is declared twice', 'give it one decorator');
    seen.add(name);
    checkType(type, report);
  }
}

export function checkType(type: ValueType, report: Report, depth = 1): void {
  if (depth > TYPE_DEPTH_MAX) {
    report(`its type is nested deeper than ${TYPE_DEPTH_MAX}`, 'flatten it, or hold it as a JSON text');
    return;
  }
  if (type.kind === 'list') checkType(type.of, report, depth + 1);
  if (type.kind === 'enum') checkEnum(type.values, report);
  if (type.kind === 'struct') {
    if (type.fields.length === 0 || type.fields.length > FIELDS_MAX)
      report(`its struct has ${type.fields.length} members`, `give it 1 to ${FIELDS_MAX}`);
    if (new Set(type.fields.map(({ name }) => name)).size < type.fields.length)
      report('its struct names a member twice', 'rename one of them');
    for (const member of type.fields) {
      checkName(member.name, report);
      checkType(member.type, report, depth + 1);
    }
  }
}

/** Whether a field of that type takes values of `given`: a value that cannot be null fits an optional field, not the reverse. */
export function fits(type: ValueType, given: ValueType): boolean {
  if (given.optional && !type.optional) return false;
  switch (type.kind) {
    case 'enum':
      return given.kind === 'enum' && given.values.every((value) => type.values.includes(value));
    case 'string':
      return given.kind === 'string' || given.kind === 'enum';
    case 'list':
      return given.kind === 'list' && fits(type.of, given.of);
    case 'struct':
      return (
        given.kind === 'struct' &&
        type.fields.length === given.fields.length &&
        type.fields.every((field, i) => {
          const member = given.fields[i];
          return member !== undefined && member.name === field.name && fits(field.type, member.type);
        })
      );
    default:
      return type.kind === given.kind;
  }
}

function checkEnum(values: readonly string[], report: Report): void {
  if (values.length === 0 || values.length > ENUM_VALUES_MAX)
    report(`its enum has ${values.length} values`, `give it 1 to ${ENUM_VALUES_MAX}`);
  if (new Set(values).size < values.length || values.includes(''))
    report('its enum has an empty or repeated value', 'name each value once');
}
