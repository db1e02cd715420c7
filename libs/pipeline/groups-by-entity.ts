import type { DatasetDefinition, PipelineDefinition } from '../definition/definitions.js';
import { type Datasets, outputFields } from '../definition/step-schema.js';
import { KeyLineage } from './key-lineage.js';

/**
 * Whether a record's group, or the key of what it becomes, is its entity, whatever the steps make of the rest: then all of a
 * group goes with the entity (S26).
 */
export function groupsByEntity(pipeline: PipelineDefinition, input: DatasetDefinition, datasets: Datasets): boolean {
  const schemas = outputFields(pipeline, datasets);
  const lineage = new KeyLineage(input.fields, input.keys);
  pipeline.steps.forEach((step, index) => lineage.follow(step, schemas[index + 1] ?? []));
  return !lineage.moveTo(pipeline.aggregate?.groupBy ?? datasets.get(pipeline.output)?.keys ?? []);
}
