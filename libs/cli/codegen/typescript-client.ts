import type { ValueType } from '../../schema/value-type.js';
import type { Committed, CommittedDataset, CommittedFeatureset, CommittedField } from './committed.js';

/** Names of classes that TypeScript refuses. */
const NO_CLASS_NAMES = new Set(
  (
    'any arguments as async await bigint boolean break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function globalThis if implements import in instanceof interface let never new null number object package private ' +
    'protected public return static string super switch symbol this throw true try typeof undefined unknown var void while with yield Object'
  ).split(' '),
);

export interface GeneratedClient {
  readonly text: string;
  /** What stands in the registry and could not be written, each with the reason. */
  readonly leftOut: readonly string[];
}

/**
 * A module of classes for `ThymeClient` of thyme/client: what the definitions declare, without where it comes from. A `$` leads
 * all that is not the registry's, since no name there has one.
 */
export function typescriptClient({ revision, featuresets, datasets }: Committed): GeneratedClient {
  const names = new Set<string>();
  const leftOut: string[] = [];
  const classes: string[] = [];
  const add = (kind: string, { name }: { readonly name: string }, write: () => string): void => {
    const why = NO_CLASS_NAMES.has(name)
      ? 'TypeScript has no class of that name'
      : names.has(name)
        ? 'a featureset has that name'
        : undefined;
    if (why === undefined) classes.push(write());
    else leftOut.push(`${kind} ${name}: ${why}`);
    names.add(name);
  };
  for (const featureset of featuresets) add('featureset', featureset, () => featuresetClass(featureset));
  for (const dataset of datasets) add('dataset', dataset, () => datasetClass(dataset));
  const head = [
    `// Made by \`thyme codegen ts\` from revision ${revision.id} (${revision.createdAt}): make it again rather than change it.`,
    '//',
    "// Classes for ThymeClient of 'thyme/client'. They say what can be asked and pushed, and cannot be committed.",
    ...leftOut.map((reason) => `// Left out: ${reason}.`),
    "import * as $ from 'thyme';",
  ];
  return { text: `${[head.join('\n'), ...classes].join('\n\n')}\n`, leftOut };
}

function featuresetClass({ name, description, entity, features }: CommittedFeatureset): string {
  const key = entity.length === 1 ? JSON.stringify(entity[0]) : JSON.stringify(entity);
  const members = features.map((feature) => {
    const held = heldAs(feature.type);
    const decorator = `@$.${feature.input ? 'input' : 'feature'}(${typeWords(feature.type)}, { id: ${feature.id} })`;
    return member(feature, decorator, feature.input ? `$.Input<${held}>` : held);
  });
  return [...comment(description, ''), `@$.featureset({ entity: ${key} })`, `export class ${name} {`, ...members, '}'].join('\n');
}

function datasetClass({ name, version, description, keys, timestamp, fields, isAggregated }: CommittedDataset): string {
  const members = fields.map((field) => {
    const words = typeWords(field.type);
    const decorator = field.name === timestamp ? '@$.timestamp()' : keys.includes(field.name) ? `@$.key(${words})` : `@$.field(${words})`;
    return member(field, decorator, heldAs(field.type));
  });
  // By this a lookup's type knows that there is always a row.
  const aggregated = isAggregated ? ['  declare static readonly $aggregated: () => $.Aggregated<unknown, unknown>;'] : [];
  const head = [...comment(description, ''), `@$.dataset({ version: ${version} })`, `export class ${name} {`];
  return [...head, ...aggregated, ...members, '}'].join('\n');
}

function member({ name, description }: CommittedField, decorator: string, held: string): string {
  return [...comment(description, '  '), `  ${decorator} ${memberName(name)}!: ${held};`].join('\n');
}

/** A class has no field of the first name, and an object that names the second has no such member. */
function memberName(name: string): string {
  return name === 'constructor' || name === '__proto__' ? `['${name}']` : name;
}

function comment(description: string, indent: string): readonly string[] {
  const lines = description.replaceAll('*/', '*\\/').split(/\s*[\r\n\u2028\u2029]+\s*/);
  if (description.trim() === '') return [];
  if (lines.length === 1) return [`${indent}/** ${description.replaceAll('*/', '*\\/').trim()} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}

/** The type in the words of definitions. */
function typeWords(type: ValueType): string {
  const optional = type.optional ? '.optional' : '';
  switch (type.kind) {
    case 'enum':
      return `$.t.enum(${type.values.map(textOf).join(', ')})${optional}`;
    case 'list':
      return `$.t.list(${typeWords(type.of)})${optional}`;
    case 'struct':
      return `$.t.struct({ ${type.fields.map(({ name, type: of }) => `${memberName(name)}: ${typeWords(of)}`).join(', ')} })${optional}`;
    default:
      return `$.t.${type.kind}${optional}`;
  }
}

const HELD_AS = {
  string: 'string',
  int: 'number',
  float: 'number',
  bool: 'boolean',
  bytes: 'globalThis.Uint8Array',
  timestamp: 'globalThis.Date',
  date: 'string',
  decimal: '$.Decimal',
};

/** What a class declares for it. Globals by their full name: a dataset may be called Date. */
function heldAs(type: ValueType): string {
  const held = heldPresent(type);
  return type.optional ? `${held} | null` : held;
}

function heldPresent(type: ValueType): string {
  switch (type.kind) {
    case 'enum':
      return type.values.map(textOf).join(' | ');
    case 'list':
      return `(${heldAs(type.of)})[]`;
    case 'struct':
      return `{ ${type.fields.map(({ name, type: of }) => `${memberName(name)}: ${heldAs(of)}`).join('; ')} }`;
    default:
      return HELD_AS[type.kind];
  }
}

/** As a literal that has no line end in it, in TypeScript as in Python. */
export function textOf(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ud800-\udfff]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
