import type { Definitions } from './definitions.js';
import type { Problems } from './problem.js';

// The editor knows what may stand where; a module that was never type-checked, or is JavaScript, may
// hold anything. What follows (constants coerced, problems told by their names) relies on the types,
// so they are looked at once, here, for every member that an author writes.

/** `?` where the member may be absent. A table has the shapes of an object's members; a list of one shape, those of its items. */
type Shape = 'text' | 'text?' | 'number' | 'number?' | 'flag?' | 'expression?' | readonly [Shape] | { readonly [member: string]: Shape };

const METADATA = { description: 'text?', owner: 'text?', tags: ['text'], deprecated: 'flag?' } as const satisfies Shape;

const DATASET: Shape = {
  ...METADATA,
  version: 'number',
  index: 'flag?',
  publish: 'flag?',
  cdc: { rowKey: ['text'] },
  expectations: [{ field: 'text', min: 'number?', max: 'number?', mostly: 'number?' }],
};

const SOURCE: Shape = { connector: 'text', config: {}, cursor: 'text?', cdc: 'text' };

const PIPELINE: Shape = {
  ...METADATA,
  version: 'number',
  steps: [
    { where: 'expression?', columns: [{ value: 'expression?' }], names: ['text'], from: 'text?', to: 'text?', on: ['text'], how: 'text?' },
  ],
  aggregate: {
    groupBy: ['text'],
    aggregations: [{ of: 'text?', where: 'expression?', pct: 'number?', k: 'number?', dedup: 'flag?', dropNull: 'flag?' }],
  },
};

const FEATURESET: Shape = {
  ...METADATA,
  entity: ['text'],
  features: [{ ...METADATA, id: 'number', ref: { dataset: 'text', field: 'text' }, from: { featureset: 'text', feature: 'text' } }],
  extractors: [{ inputs: ['text'], outputs: ['text'] }],
};

/** Reports each member that is of another type than its definition has. With none, every check may rely on `Definitions`. */
export function checkShapes({ datasets, sources, pipelines, featuresets }: Definitions, problems: Problems): void {
  const check = (named: readonly { readonly name: string }[], shape: Shape): void => {
    for (const one of named) checkShape(one, shape, '', (message, fix) => problems.add(one.name, message, fix));
  };
  check(datasets, DATASET);
  check(
    sources.map((source) => ({ ...source, name: source.dataset })),
    SOURCE,
  );
  check(pipelines, PIPELINE);
  check(featuresets, FEATURESET);
}

/** What a value is, in a word that never runs the value's own code. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

type Report = (message: string, fix: string) => void;

function checkShape(value: unknown, shape: Shape, path: string, report: Report): void {
  if (typeof shape === 'string') checkLeaf(value, shape, path, report);
  else if (isList(shape)) {
    if (Array.isArray(value))
      Array.from(value as unknown[]).forEach((item, i) => checkShape(item, shape[0], joined(path, labelOf(item, i)), report));
    else report(`its ${path} is ${kindOf(value)}`, 'write a list');
  } else if (typeof value === 'object' && value !== null) {
    for (const [member, inner] of Object.entries(shape)) {
      const isAbsent = !Object.hasOwn(value, member) && (typeof inner !== 'string' || inner.endsWith('?'));
      if (!isAbsent) checkShape((value as Record<string, unknown>)[member], inner, joined(path, member), report);
    }
  } else report(`its ${path} is ${kindOf(value)}`, 'write an object');
}

const LEAVES = {
  text: ['string', 'write it as text'],
  number: ['number', 'write a number'],
  flag: ['boolean', 'write true or false'],
} as const;

function checkLeaf(value: unknown, shape: Extract<Shape, string>, path: string, report: Report): void {
  if (shape === 'expression?') {
    checkColumns(value, path, report);
    return;
  }
  const [type, fix] = LEAVES[shape.replace('?', '') as keyof typeof LEAVES];
  if (typeof value !== type) report(`its ${path} is ${kindOf(value)}`, fix);
}

/** In an expression only the names of columns and of JSON members are the author's own values: the rest was judged as it was recorded. */
function checkColumns(tree: unknown, path: string, report: Report): void {
  const open = [tree];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part !== 'object' || part === null) continue;
    const { kind, name, path: members, left, right, operand, fallback } = part as Record<string, unknown>;
    if (kind === 'column') checkLeaf(name, 'text', `${path}: the name of a column`, report);
    if (kind === 'jsonExtract') checkShape(members, ['text'], `${path}: the path of jsonExtract`, report);
    open.push(...[left, right, operand, fallback].filter((inner) => inner !== undefined));
  }
}

function isList(shape: Exclude<Shape, string>): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** An item is called by what it fills or is named, as an author would look for it. */
function labelOf(item: unknown, at: number): string {
  const { field, name } = (typeof item === 'object' && item !== null ? item : {}) as { readonly field?: unknown; readonly name?: unknown };
  return typeof field === 'string' ? field : typeof name === 'string' ? name : `${at + 1}`;
}

function joined(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}
