import { parseDatasetName } from '../../libs/definition/dataset-name.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { notFound } from '../../libs/errors/errors.js';

export interface AskedDataset {
  readonly definition: DatasetDefinition;
  /** The `maxLateness` of what its source brings. */
  readonly ofSourceUs: number | undefined;
  /** Whether the version was begun with the records of the one before (S19a). */
  readonly hasHistory: boolean;
}

/** `Order`, or `Order@1` for an older version whose records were carried over. NOT_FOUND names the datasets that there are. */
export function askedDataset(name: string, revision: Revision | undefined): AskedDataset {
  const { dataset, version } = parseDatasetName(name);
  const { definitions, carryOvers = [] } = revision ?? { definitions: { datasets: [], sources: [] } };
  const known = [...definitions.datasets, ...carryOvers.map(({ from }) => from)].filter((each) => each.name === dataset);
  const definition = known.find((each) => version === undefined || each.version === version);
  if (definition === undefined)
    throw notFound(
      'dataset',
      name,
      definitions.datasets.map((each) => each.name),
    );
  const source = definitions.sources.find((candidate) => candidate.dataset === dataset);
  return {
    definition,
    ofSourceUs: source === undefined ? definition.maxLatenessUs : source.maxLatenessUs,
    hasHistory: carryOvers.some(({ from, toVersion }) => from.name === dataset && toVersion === definition.version),
  };
}
