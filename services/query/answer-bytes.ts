// The answer to a query as the bytes of a thyme.v1.QueryResponse: byte for byte those of the generated message (answer-messages.ts).
import type { Field } from '../../libs/schema/value-type.js';
import { MessageWriter } from '../../libs/wire/message-writer.js';
import { compileValueBytes, type WriteValue } from '../../libs/wire/value-bytes.js';
import type { QueryAnswer } from './answers.js';

/* Fields of query.proto as tags. */
const QUERY_RUN_ID = 0x0a;
const FEATURES = 0x12;
const AS_OF_US = 0x18;
const FRESHNESS = 0x22;
const POINT_IN_TIME = 0x28;
const FEATURE_NAME = 0x0a;
const FEATURE_VALUE = 0x12;
const WATERMARK_US = 0x08;
const LAG_US = 0x10;

interface Column {
  /** The name with its tag and length, as it stands in every answer. */
  readonly name: Uint8Array;
  readonly write: WriteValue;
}

/** By the list of columns itself: a plan has one for as long as its revision serves. */
const COLUMNS = new WeakMap<readonly Field[], readonly Column[]>();
/** One for all answers: each is written in one go. */
const writer = new MessageWriter();

export function queryResponseBytes({ queryRunId, columns, row, asOfUs, freshness, pointInTime }: QueryAnswer): Buffer {
  const compiled = columnsOf(columns);
  writer.begin();
  if (queryRunId !== '') writer.text(QUERY_RUN_ID, queryRunId);
  for (let i = 0; i < compiled.length; i++) {
    const column = compiled[i];
    if (column === undefined) continue;
    const feature = writer.openAt(FEATURES);
    writer.raw(column.name);
    const value = writer.openAt(FEATURE_VALUE);
    column.write(writer, row[i] ?? null);
    writer.closeAt(value);
    writer.closeAt(feature);
  }
  if (asOfUs !== 0) writer.integer(AS_OF_US, asOfUs);
  const start = writer.openAt(FRESHNESS);
  if (freshness.watermarkUs !== undefined) writer.integer(WATERMARK_US, freshness.watermarkUs);
  if (freshness.lagUs !== undefined) writer.integer(LAG_US, freshness.lagUs);
  writer.closeAt(start);
  if (pointInTime) writer.integer(POINT_IN_TIME, 1);
  return writer.take();
}

function columnsOf(columns: readonly Field[]): readonly Column[] {
  let compiled = COLUMNS.get(columns);
  if (compiled === undefined) {
    compiled = columns.map(({ name, type }) => ({ name: nameBytes(name), write: compileValueBytes(type) }));
    COLUMNS.set(columns, compiled);
  }
  return compiled;
}

function nameBytes(name: string): Uint8Array {
  writer.begin();
  if (name !== '') writer.text(FEATURE_NAME, name);
  return writer.take();
}
