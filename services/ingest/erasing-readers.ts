import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { INDEX_PREFIX, publishes } from '../../libs/definition/timeline-topics.js';
import type { ErasingReader } from '../../libs/erasure/erasure-entry.js';
import { groupsByEntity } from '../../libs/pipeline/groups-by-entity.js';

/** What reads the dataset, and what each does about an entity's rows when it is erased (S26). */
export function erasingReaders({ definitions, timelines }: Revision, dataset: DatasetDefinition): readonly ErasingReader[] {
  const newest = definitions.datasets.find(({ name }) => name === dataset.name);
  // Of an older version that is carried over, what the erasure does is done where its records went.
  if (newest === undefined || newest.version !== dataset.version) return [];
  const { name, version } = dataset;
  const index = timelines.some((timeline) => timeline.name === INDEX_PREFIX + name && timeline.version === version);
  const datasets = new Map(definitions.datasets.map((each) => [each.name, each]));
  return [
    ...(index ? [{ name: INDEX_PREFIX + name, version, fills: name, effect: 'erased' } as const] : []),
    ...definitions.pipelines
      .filter(({ inputs }) => inputs[0] === name)
      .map((pipeline): ErasingReader => {
        const isByEntity = groupsByEntity(pipeline, dataset, datasets);
        // As the aggregator has it (reader-plan.ts): a join may find another row when it is asked again.
        const isFound = isByEntity || !pipeline.steps.some(({ kind }) => kind === 'join');
        const effect = !isFound ? 'kept' : !isByEntity && publishes(pipeline, definitions) ? 'unpublished' : 'erased';
        return { name: pipeline.name, version: pipeline.version, fills: pipeline.output, effect };
      }),
  ];
}
