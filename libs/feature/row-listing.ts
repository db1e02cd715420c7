import { headKey } from '../change/state-keys.js';
import type { FinishAnswer } from '../pipeline/answers.js';
import type { Field, Row, Value, ValueType } from '../schema/value-type.js';
import { TimelinePages } from '../timeline/timeline-pages.js';
import type { RowKey, TimelineRow, TimelineShape, WindowQuestion } from '../timeline/timeline.js';
import { listRows, type ListedRow, type WhichRows } from '../timeline/window-rows.js';
import type { EntityKey, ReadContext } from './state-access.js';
import { TimelineRead } from './timeline-read.js';

export interface ListingParts {
  readonly timelineId: number;
  readonly shape: TimelineShape;
  readonly groupOf: (key: EntityKey) => EntityKey;
  /** What an error names: `<dataset>.<field>`. */
  readonly place: string;
  /** Whose answer the rows make. */
  readonly question: WindowQuestion;
  /** Absent for whole rows of a dataset, which are no answer to anything. */
  readonly value?: { readonly type: ValueType; readonly finish: FinishAnswer };
  /** What is told of each row. */
  readonly columns: readonly Field[];
  readonly valuesOf: (row: TimelineRow) => Row;
}

export interface ListingInput {
  readonly which: WhichRows;
  /** Of whole rows only: an aggregation has its own. Null for everything up to the instant. */
  readonly windowUs: number | null;
  readonly rowsMax: number;
  readonly before?: RowKey | undefined;
}

export interface Listed {
  /** How far back the window goes, µs; null for everything. */
  readonly windowUs: number | null;
  /** The field's value, of the same tick; absent for whole rows. */
  readonly value?: Value;
  readonly valueType?: ValueType;
  /** How many rows count, those of trimmed history (S20) among them. */
  readonly count: number;
  readonly columns: readonly Field[];
  readonly rows: readonly ListedRow[];
  readonly values: readonly Row[];
  readonly next?: RowKey;
}

/** The rows of one entity's window, in pages, with what they add up to. */
export class RowListing {
  readonly timelineId: number;
  readonly #parts: ListingParts;

  constructor(parts: ListingParts) {
    this.timelineId = parts.timelineId;
    this.#parts = parts;
  }

  get isAggregated(): boolean {
    return this.#parts.value !== undefined;
  }

  /** One state of the group for all of it (S15). OUT_OF_RANGE where the window reaches behind the history that is kept (S20). */
  list(key: EntityKey, context: ReadContext, { which, windowUs, rowsMax, before }: ListingInput): Listed {
    const { timelineId, shape, groupOf, place, question, value, columns, valuesOf } = this.#parts;
    const lookedBackUs = value === undefined ? windowUs : question.windowUs;
    const needs = columnsNeeded(question);
    const [counted] = needs;
    const count: WindowQuestion = { kind: 'count', windowUs: lookedBackUs, ...(counted === undefined ? {} : { column: counted }) };
    const group = groupOf(key);
    const placed = [count, ...(value === undefined ? [] : [question])].map((each) => ({ place, question: each }));
    const answers = new TimelineRead(timelineId, shape, placed).read(group, context);
    const pages = new TimelinePages(shape, context.state.partitionOf(group.slot), headKey(group.slot, timelineId, group.bytes));
    const { rows, next } = listRows(pages, context.instant, { which, windowUs: lookedBackUs, needs, rowsMax, before });
    return {
      windowUs: lookedBackUs,
      ...(value === undefined ? {} : { value: value.finish(answers[1] ?? null), valueType: value.type }),
      count: Number(answers[0]),
      columns,
      rows,
      values: rows.map(valuesOf),
      ...(next === undefined ? {} : { next }),
    };
  }
}

/** Operators skip nulls, and `Last` and `LastK` only with `dropNull` (S6); what a `where` rules out is null. */
function columnsNeeded(question: WindowQuestion): readonly number[] {
  if (question.kind !== 'lastK') return question.column === undefined ? [] : [question.column];
  const { column, dropNull, whereColumn } = question;
  if (dropNull) return [column];
  return whereColumn === undefined ? [] : [whereColumn];
}
