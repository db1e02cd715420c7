import assert from 'node:assert';
import type { Aggregation, PipelineDefinition } from '../definition/definitions.js';
import type { Measure } from '../definition/revision.js';
import type { Expression } from '../expression/expression.js';
import type { Field, ValueType } from '../schema/value-type.js';
import type { ColumnShape, TimelineShape, WindowQuestion } from '../timeline/timeline.js';
import { canonicalJson } from '../definition/canonical-json.js';

// Measures: the columns that a pipeline's timelines hold, and what its aggregations ask of them.
// Five windows over one column cost one measure (DESIGN 6).

/** The one measure of an index: the whole record as bytes of its row codec. */
export const INDEX_MEASURES: readonly Measure[] = [{ digest: false, type: { kind: 'bytes', optional: false } }];

/** The newest record at an instant, for lookups and joins. */
export const INDEX_QUESTION: WindowQuestion = { kind: 'lastK', column: 0, windowUs: null, k: 1, dedup: false, dropNull: false };

/**
 * The distinct (of, where) pairs of the pipeline's aggregations, in order of their canonical JSON.
 * `fields` is the schema that the aggregation reads. A plain count needs none.
 */
export function measuresOf(pipeline: PipelineDefinition, fields: readonly Field[]): readonly Measure[] {
  const measures = new Map<string, Measure>();
  for (const aggregation of pipeline.aggregate?.aggregations ?? []) {
    for (const wanted of wantedBy(aggregation, fields)) {
      const name = nameOf(wanted.of, wanted.where);
      const digest = wanted.digest || (measures.get(name)?.digest ?? false);
      measures.set(name, { ...wanted, digest });
    }
  }
  return [...measures].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, measure]) => measure);
}

/** `retractable`: whether its dataset's records are changes of rows (S17). */
export function shapeOf(measures: readonly Measure[], retractable = false): TimelineShape {
  return {
    ...(retractable ? { retractable } : {}),
    columns: measures.map((measure): ColumnShape =>
      isNumber(measure.type) ? { kind: 'number', digest: measure.digest } : { kind: 'bytes' },
    ),
  };
}

/** One question for each aggregation, in order. The measures may be more than these need (S19). */
export function questionsOf(aggregations: readonly Aggregation[], measures: readonly Measure[]): readonly WindowQuestion[] {
  const columns = new Map(measures.map((measure, index) => [nameOf(measure.of, measure.where), index]));
  return aggregations.map((aggregation) => questionOf(aggregation, columns));
}

/** Held as a number of a timeline's column; anything else is held as bytes. */
export function isNumber(type: ValueType): boolean {
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'bool':
    case 'timestamp':
    case 'date':
      return true;
    default:
      return false;
  }
}

function wantedBy({ operator, of, where }: Aggregation, fields: readonly Field[]): readonly Measure[] {
  const condition: Measure = { ...optional({ where }), digest: false, type: { kind: 'int', optional: true } };
  if (of === undefined) return where === undefined ? [] : [condition];
  const type = fields.find((field) => field.name === of)?.type;
  assert(type !== undefined, `the aggregation reads '${of}', which is no column`); // refused at commit
  const digest = operator === 'percentile' || operator === 'percentRank';
  const measure: Measure = { of, ...optional({ where }), digest, type };
  // The last values under a condition tell a row that it rules out from one whose value is null.
  return where !== undefined && isLast(operator) ? [measure, condition] : [measure];
}

function questionOf(aggregation: Aggregation, columns: ReadonlyMap<string, number>): WindowQuestion {
  const { operator, of, where, windowUs } = aggregation;
  if (operator === 'count' && of === undefined && where === undefined) return { kind: 'count', windowUs };
  const column = columnOf(of, where, columns);
  switch (operator) {
    case 'count':
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
    case 'percentRank':
      return { kind: operator, column, windowUs };
    case 'percentile':
      return { kind: operator, column, windowUs, pct: aggregation.pct ?? 50 };
    case 'last':
    case 'lastK': {
      const { k, dedup, dropNull } = aggregation;
      const question = {
        kind: 'lastK',
        column,
        windowUs,
        k: operator === 'last' ? 1 : (k ?? 1),
        dedup: dedup ?? false,
        dropNull: dropNull ?? false,
      } as const;
      return where === undefined ? question : { ...question, whereColumn: columnOf(undefined, where, columns) };
    }
  }
}

function columnOf(of: string | undefined, where: Expression | undefined, columns: ReadonlyMap<string, number>): number {
  const column = columns.get(nameOf(of, where));
  assert(column !== undefined, `the timeline has no column for ${nameOf(of, where)}`); // the registry plans a rebuild (S19)
  return column;
}

function nameOf(of: string | undefined, where: Expression | undefined): string {
  return canonicalJson({ of, where });
}

function isLast(operator: Aggregation['operator']): boolean {
  return operator === 'last' || operator === 'lastK';
}

function optional({ where }: { readonly where: Expression | undefined }): { readonly where?: Expression } {
  return where === undefined ? {} : { where };
}
