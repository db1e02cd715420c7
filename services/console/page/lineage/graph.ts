// Who reads whom, from what is committed: source → dataset → pipeline → dataset → featureset, and featuresets that read one another.
import type { Feature, Featureset, Status } from '../status.js';

export type NodeKind = 'source' | 'dataset' | 'pipeline' | 'featureset';

export interface LineageNode {
  readonly id: string;
  readonly kind: NodeKind;
  readonly name: string;
  /** A source is named by its dataset; it is shown as `Flight source`. */
  readonly title: string;
}

export interface LineageEdge {
  readonly from: string;
  readonly to: string;
}

export interface LineageGraph {
  readonly nodes: ReadonlyMap<string, LineageNode>;
  readonly edges: readonly LineageEdge[];
}

export function nodeId(kind: string, name: string): string {
  return `${kind} ${name}`;
}

export function graphOf({ sources, datasets, pipelines, featuresets }: Status): LineageGraph {
  const listed: readonly (readonly [NodeKind, readonly string[]])[] = [
    ['source', sources.map(({ dataset }) => dataset)],
    ['dataset', datasets.map(({ name }) => name)],
    ['pipeline', pipelines.map(({ name }) => name)],
    ['featureset', featuresets.map(({ name }) => name)],
  ];
  const nodes = listed.flatMap(([kind, names]) =>
    names.map((name): LineageNode => ({ id: nodeId(kind, name), kind, name, title: kind === 'source' ? `${name} source` : name })),
  );
  const edges = [
    ...sources.map(({ dataset }) => ({ from: nodeId('source', dataset), to: nodeId('dataset', dataset) })),
    ...pipelines.flatMap(({ name, input_datasets, output_dataset }) => [
      ...input_datasets.map((input) => ({ from: nodeId('dataset', input), to: nodeId('pipeline', name) })),
      { from: nodeId('pipeline', name), to: nodeId('dataset', output_dataset) },
    ]),
    ...featuresets.flatMap(edgesInto),
  ];
  const known = new Map(nodes.map((node) => [node.id, node]));
  return { nodes: known, edges: edges.filter(({ from, to }) => known.has(from) && known.has(to)) };
}

function edgesInto({ name, features }: Featureset): readonly LineageEdge[] {
  const read = new Set(features.flatMap(({ reads }) => (reads === null ? [] : [nodeId(reads.kind, reads.name)])));
  return [...read].map((from) => ({ from, to: nodeId('featureset', name) }));
}

/** All that a node stands on, or all that stands on it; without itself. */
export function reached({ edges }: Pick<LineageGraph, 'edges'>, start: string, direction: 'up' | 'down'): ReadonlySet<string> {
  const found = new Set<string>();
  const next = [start];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    for (const { from, to } of edges) {
      const [here, there] = direction === 'down' ? [from, to] : [to, from];
      if (here !== id || found.has(there)) continue;
      found.add(there);
      next.push(there);
    }
  }
  found.delete(start);
  return found;
}

/**
 * Features that may be another value when the nodes in `changed` are: those that read a dataset among them, what extractors
 * make of them, and features of other featuresets that read those; of a featureset that is itself `chosen`, all.
 */
export function featuresOn({ featuresets }: Status, changed: ReadonlySet<string>, chosen: string): ReadonlyMap<string, readonly Feature[]> {
  const touched = new Set<string>();
  const key = (featureset: string, feature: string): string => `${featureset}\n${feature}`;
  const isTouched = (featureset: Featureset, { name, reads }: Feature): boolean => {
    if (nodeId('featureset', featureset.name) === chosen) return true;
    if (reads?.kind === 'dataset' && changed.has(nodeId('dataset', reads.name))) return true;
    if (reads?.kind === 'featureset' && touched.has(key(reads.name, reads.field))) return true;
    return featureset.extractors.some(
      ({ inputs, outputs }) => outputs.includes(name) && inputs.some((input) => touched.has(key(featureset.name, input))),
    );
  };
  // Until nothing is added: one extractor may take what the next gives.
  for (let before = -1; before < touched.size;) {
    before = touched.size;
    for (const featureset of featuresets)
      for (const feature of featureset.features) if (isTouched(featureset, feature)) touched.add(key(featureset.name, feature.name));
  }
  return new Map(
    featuresets.flatMap(({ name, features }) => {
      const found = features.filter((feature) => touched.has(key(name, feature.name)));
      return found.length === 0 ? [] : [[name, found] as const];
    }),
  );
}
