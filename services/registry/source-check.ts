import { connectors } from '../../libs/definition/connectors.js';
import type { DatasetDefinition, Definitions, SourceDefinition } from '../../libs/definition/definitions.js';
import type { Problem } from '../../libs/definition/problem.js';

/** Sources that nobody here could read: a commit that took them would leave their datasets empty without a word. */
export function unreadableSources({ sources, datasets }: Definitions, available: ReadonlySet<string>): readonly Problem[] {
  return sources.flatMap((source) => {
    const rules = connectors.get(source.connector);
    if (rules === undefined) return []; // said by the check of the definitions
    const place = source.dataset;
    if (!available.has(source.connector)) {
      const message = `this version of Thyme has no connector '${source.connector}' yet`;
      return [{ place, message, fix: `push its records, or use ${[...available].join(' or ')}` }];
    }
    const dataset = datasets.find(({ name }) => name === place);
    return dataset === undefined ? [] : differentChanges(source, dataset);
  });
}

/** The dataset says what its records are; a source cannot say otherwise (S17). */
function differentChanges({ cdc, connector }: SourceDefinition, dataset: DatasetDefinition): readonly Problem[] {
  const mode = dataset.cdc?.mode ?? 'append';
  if (cdc === mode) return [];
  const fix =
    cdc === 'append'
      ? `write cdc: '${mode}' at the source as well`
      : `write @dataset({ cdc: '${cdc}', rowKey: [...] }) with the fields that name a row`;
  return [{ place: dataset.name, message: `its ${connector} source has cdc '${cdc}', and the dataset's records are '${mode}'`, fix }];
}
