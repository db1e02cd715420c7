import { compileRecordCodec } from '../codec/dataset-record.js';
import type { DatasetDefinition } from '../definition/definitions.js';
import { compileKeyOf } from '../pipeline/steps.js';
import { partitionFields } from '../pipeline/partition-fields.js';
import type { EntityOf } from './erasure-book.js';

/** How the records of a dataset's topic name their entities: by the log's own key, unless that names rows (S17). */
export function entityOfRecords(dataset: DatasetDefinition): EntityOf {
  const { name, fields, keys } = dataset;
  if (partitionFields(dataset).join() === keys.join()) return ({ key }) => key;
  const records = compileRecordCodec(fields);
  const entityOf = compileKeyOf(keys, fields, name);
  return ({ value }) => entityOf(records.decode(value).row);
}
