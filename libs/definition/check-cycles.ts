import type { Definitions } from './definitions.js';
import type { Problems } from './problem.js';

type Graph = ReadonlyMap<string, readonly string[]>;

/** Features that need themselves, and datasets that are filled from themselves. */
export function checkCycles(definitions: Definitions, problems: Problems): void {
  for (const cycle of cyclesIn(featureGraph(definitions))) {
    problems.add(cycle[0] ?? '', `it needs itself: ${[...cycle, cycle[0]].join(' ← ')}`, 'take one of these inputs away');
  }
  for (const cycle of cyclesIn(datasetGraph(definitions))) {
    problems.add(
      cycle[0] ?? '',
      `it is filled from itself: ${[...cycle, cycle[0]].join(' ← ')}`,
      'pipelines read datasets that do not depend on their own',
    );
  }
}

/** From each feature to those that it is computed from. */
function featureGraph({ featuresets }: Definitions): Graph {
  const graph = new Map<string, readonly string[]>();
  for (const { name, features, extractors } of featuresets) {
    for (const feature of features) {
      const producers = extractors.filter((extractor) => extractor.outputs.includes(feature.name));
      const inputs = producers.flatMap((extractor) => extractor.inputs.map((input) => `${name}.${input}`));
      graph.set(
        `${name}.${feature.name}`,
        feature.from === undefined ? inputs : [...inputs, `${feature.from.featureset}.${feature.from.feature}`],
      );
    }
  }
  return graph;
}

function datasetGraph({ pipelines }: Definitions): Graph {
  const graph = new Map<string, readonly string[]>();
  for (const { output, inputs } of pipelines) graph.set(output, [...(graph.get(output) ?? []), ...inputs]);
  return graph;
}

/** One cycle for each edge that closes one, by depth-first search. */
function cyclesIn(graph: Graph): readonly (readonly string[])[] {
  const cycles: (readonly string[])[] = [];
  const done = new Set<string>();
  for (const start of graph.keys()) {
    // A stack of its own, so that a long chain of definitions cannot overflow the engine's.
    const path: { readonly node: string; next: number }[] = done.has(start) ? [] : [{ node: start, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = (graph.get(top.node) ?? [])[top.next++];
      if (target === undefined) {
        done.add(top.node);
        path.pop();
        continue;
      }
      const open = path.findIndex(({ node }) => node === target);
      if (open >= 0) cycles.push(path.slice(open).map(({ node }) => node));
      else if (!done.has(target)) path.push({ node: target, next: 0 });
    }
  }
  return cycles;
}
