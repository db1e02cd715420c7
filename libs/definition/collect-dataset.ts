import type { ChangeCapture, DatasetDefinition, Expectation, SourceDefinition } from './definitions.js';
import { kindOf } from './check-shape.js';
import { durationUs } from './duration-words.js';
import { takeExpectation } from './expect.js';
import { classNameOf, type DatasetOptions, type Marks, type Method } from './marks.js';
import { omitUndefined } from './omit-undefined.js';
import type { Problems } from './problem.js';

/** S12: how far ahead of the ingest clock a record may be, where nothing is said. */
const MAX_FUTURE = '10m';

export function datasetDefinition(
  name: string,
  marks: Marks,
  options: DatasetOptions,
  functions: Map<string, Method>,
  problems: Problems,
): DatasetDefinition {
  const timestamps = marks.fields.filter(({ role }) => role === 'timestamp');
  for (const { name: extra } of timestamps.slice(1)) {
    problems.add(
      `${name}.${extra}`,
      `a second @timestamp beside '${timestamps[0]?.name ?? ''}'`,
      'keep one; declare the other @field(t.timestamp)',
    );
  }
  const { version, description, owner, tags, deprecated, history, maxLateness, maxFuture } = options;
  return {
    ...omitUndefined({
      description,
      owner,
      tags,
      deprecated,
      historyUs: optionalUs(history),
      maxLatenessUs: optionalUs(maxLateness),
      upgrade: upgradeOf(name, options, functions, problems),
      cdc: changeCapture(name, options, problems),
    }),
    name,
    version,
    fields: marks.fields.map((field) => ({ name: field.name, type: field.type })),
    keys: marks.fields.filter(({ role }) => role === 'key').map((field) => field.name),
    timestamp: timestamps[0]?.name ?? '',
    index: options.index ?? false,
    publish: options.publish ?? false,
    maxFutureUs: durationUs(maxFuture ?? MAX_FUTURE),
    expectations: expectationsOf(name, marks, problems),
  };
}

/** Its id cannot be a pipeline's or an extractor's, which have a dot before their number. */
function upgradeOf(
  name: string,
  { upgrade }: DatasetOptions,
  functions: Map<string, Method>,
  problems: Problems,
): DatasetDefinition['upgrade'] {
  if (upgrade === undefined) return undefined;
  if (upgrade === 'empty') return { kind: 'empty' };
  if (typeof upgrade !== 'function') {
    problems.add(
      name,
      `its upgrade is ${typeof upgrade === 'string' ? `'${String(upgrade)}'` : kindOf(upgrade)}`,
      "write upgrade: (old) => ({ ...old, ... }), or upgrade: 'empty'",
    );
    return undefined;
  }
  const id = `${name}#upgrade`;
  functions.set(id, upgrade);
  return { kind: 'function', function: id };
}

/** S17; undefined where records are events. */
function changeCapture(name: string, { cdc = 'append', rowKey }: DatasetOptions, problems: Problems): ChangeCapture | undefined {
  if (cdc === 'upsert' || cdc === 'debezium') return { mode: cdc, rowKey: rowKey ?? [] };
  if ((cdc as unknown) !== 'append')
    problems.add(name, `its cdc is ${typeof cdc === 'string' ? `'${String(cdc)}'` : kindOf(cdc)}`, "use 'append', 'upsert' or 'debezium'");
  else if (rowKey !== undefined) problems.add(name, 'it has a rowKey, but its records are events', "say what changes rows: cdc: 'upsert'");
  return undefined;
}

export function sourceDefinitions(dataset: string, marks: Marks): readonly SourceDefinition[] {
  return marks.sources.map(({ connector, config, cursor, every, maxLateness, maxFuture, cdc }) => ({
    ...omitUndefined({ cursor, everyUs: optionalUs(every), maxLatenessUs: optionalUs(maxLateness), maxFutureUs: optionalUs(maxFuture) }),
    dataset,
    connector,
    config,
    cdc: cdc ?? 'append',
  }));
}

/** What the class's members must be, whatever the class is. */
export function checkMembers(made: new () => object, marks: Marks, problems: Problems): void {
  const name = classNameOf(made);
  const kind = marks.dataset !== undefined ? 'dataset' : marks.featureset !== undefined ? 'featureset' : undefined;
  if (kind === undefined)
    problems.add(
      name,
      'its members are decorated, but the class is not',
      'put @dataset({ version: 1 }) or @featureset({ entity: ... }) above it',
    );
  if (marks.dataset !== undefined && marks.featureset !== undefined)
    problems.add(name, 'it is both @dataset and @featureset', 'make two classes of it');
  for (const { member, message, fix } of marks.misplaced) problems.add(`${name}.${member}`, message, fix);
  reportForeignWords(name, kind, marks, problems);
  reportUndecorated(name, made, marks, kind === 'featureset' ? '@feature or @input' : '@field', problems);
}

function reportForeignWords(name: string, kind: 'dataset' | 'featureset' | undefined, marks: Marks, problems: Problems): void {
  if (kind === 'dataset') {
    for (const { name: member } of [...marks.features, ...marks.extractors])
      problems.add(`${name}.${member}`, 'features and extractors have no place in a dataset', 'move it to a featureset, or use @field');
  }
  if (kind === 'featureset') {
    for (const { name: member } of [...marks.fields, ...marks.pipelines, ...marks.expectations])
      problems.add(
        `${name}.${member}`,
        'fields, pipelines and expectations have no place in a featureset',
        'move it to a dataset, or use @feature',
      );
    if (marks.sources.length > 0) problems.add(name, '@source is on a featureset', 'put it on the dataset that it feeds');
  }
}

/** Class fields are defined by `new`, decorated or not; what has no mark was forgotten. */
function reportUndecorated(name: string, made: new () => object, marks: Marks, words: string, problems: Problems): void {
  const decorated = new Set([...marks.fields, ...marks.features].map((member) => member.name));
  try {
    for (const member of Object.keys(new made())) {
      if (!decorated.has(member)) problems.add(`${name}.${member}`, 'this field has no decorator', `put ${words} before it, or remove it`);
    }
  } catch (error) {
    problems.add(name, `its constructor throws: ${String(error)}`, 'a definition needs no constructor: remove it');
  }
}

function expectationsOf(name: string, marks: Marks, problems: Problems): readonly Expectation[] {
  return marks.expectations.flatMap(({ name: method, method: run }) => {
    try {
      return (run() as readonly unknown[]).map(takeExpectation);
    } catch (error) {
      problems.add(`${name}.${method}`, `it throws: ${String(error)}`, "return a list such as [expect.between('amount', { min: 0 })]");
      return [];
    }
  });
}

function optionalUs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationUs(text);
}
