import type { ColumnShape, TimelineShape } from './timeline.js';

const NUMBER: ColumnShape = { kind: 'number', digest: false };
const shapes = new WeakMap<TimelineShape, TimelineShape>();

/** The shape of the timeline of ended rows (ended-rows.ts draws its rows); the same object for the same shape. */
export function endedShape(shape: TimelineShape): TimelineShape {
  let ended = shapes.get(shape);
  if (ended === undefined) {
    const columns = shape.columns.map((column) => (column.kind === 'number' ? NUMBER : column));
    ended = { columns: [...columns, NUMBER, NUMBER], retractable: true };
    shapes.set(shape, ended);
  }
  return ended;
}
