import assert from 'node:assert';
import { compileRecordCodec, type RecordCodec } from '../../libs/codec/dataset-record.js';
import type { DatasetDefinition, PipelineDefinition } from '../../libs/definition/definitions.js';
import type { TimelineIdentity } from '../../libs/definition/revision.js';
import { compileFinish } from '../../libs/pipeline/answers.js';
import { questionsOf } from '../../libs/pipeline/measures.js';
import type { Field, Row, Value } from '../../libs/schema/value-type.js';
import type { WindowAnswer, WindowQuestion } from '../../libs/timeline/timeline.js';
import type { JsonCopy } from './json-copy.js';

/** How a pipeline's rows become records of its output dataset's topic (S25). */
export interface PublishPlan {
  readonly topic: string;
  readonly lane: string;
  readonly records: RecordCodec;
  /** The same rows as JSON, for others; undefined where nobody could read them. */
  readonly json: JsonCopy | undefined;
  /** What is asked of the group at the record's event time; empty where the row itself is the output. */
  readonly questions: readonly WindowQuestion[];
  /** May throw OUT_OF_RANGE (S8). */
  outputRow(row: Row, eventTimeUs: number, answers: readonly WindowAnswer[]): Row;
}

interface PublishParts {
  readonly pipeline: PipelineDefinition;
  readonly output: DatasetDefinition;
  readonly timeline: TimelineIdentity;
  /** The columns of a record that has passed all steps. */
  readonly fields: readonly Field[];
  readonly topic: string;
  readonly json: JsonCopy | undefined;
}

export function compilePublish(parts: PublishParts): PublishPlan {
  const { pipeline, output, timeline, topic, json } = parts;
  const aggregations = pipeline.aggregate?.aggregations ?? [];
  const columns = output.fields.map((field) => compileColumn(field, parts));
  return {
    topic,
    json,
    lane: `pipeline:${pipeline.name}`,
    records: compileRecordCodec(output.fields),
    questions: questionsOf(aggregations, timeline.measures),
    outputRow: (row, eventTimeUs, answers) => columns.map((column) => column(row, eventTimeUs, answers)),
  };
}

type Column = (row: Row, eventTimeUs: number, answers: readonly WindowAnswer[]) => Value;

/** The timestamp is the record's, an aggregated field its window's answer, anything else the column of its name. */
function compileColumn(field: Field, { pipeline, output, fields }: PublishParts): Column {
  if (field.name === output.timestamp) return (_row, eventTimeUs) => eventTimeUs;
  const aggregations = pipeline.aggregate?.aggregations ?? [];
  const asked = aggregations.findIndex((aggregation) => aggregation.field === field.name);
  const aggregation = aggregations[asked];
  if (aggregation !== undefined) {
    const finish = compileFinish(aggregation, field.type, `${output.name}.${field.name}`);
    return (_row, _eventTimeUs, answers) => finish(answers[asked] ?? null);
  }
  const index = fields.findIndex((candidate) => candidate.name === field.name);
  assert(index >= 0 || field.type.optional, `${pipeline.name} does not fill ${output.name}.${field.name}`); // checked at commit
  return (row) => row[index] ?? null;
}
