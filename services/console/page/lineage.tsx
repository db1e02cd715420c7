import { useMemo } from 'preact/hooks';
import { Consequences } from './lineage/consequences.js';
import { flowCounts, flowTexts, flowsOf, type Flows } from './lineage/flows.js';
import { graphOf, nodeId, reached, type LineageNode } from './lineage/graph.js';
import { layoutOf, NODE_HEIGHT, type PlacedEdge, type PlacedNode } from './lineage/layout.js';
import { hrefOf, type Place } from './place.js';
import { useRates } from './rates.js';
import type { Status } from './status.js';

interface LineageProps {
  readonly place: Place;
  readonly status: Status;
  readonly readMs: number;
}

/** How records flow into features, and what stands on what. */
export function Lineage({ place, status, readMs }: LineageProps) {
  const revision = status.latest_commit?.id;
  const graph = useMemo(() => graphOf(status), [revision]);
  const placed = useMemo(() => layoutOf(graph), [graph]);
  const [, kind = '', name = '', column] = place.path;
  const chosen = graph.nodes.get(nodeId(kind, name));
  const [up, down] = useMemo(
    () => [chosen === undefined ? NONE : reached(graph, chosen.id, 'up'), chosen === undefined ? NONE : reached(graph, chosen.id, 'down')],
    [graph, chosen],
  );
  const rates = useRates(flowCounts(status), readMs);
  const flows = flowsOf(status, rates);
  const isFaint = (id: string): boolean => chosen !== undefined && id !== chosen.id && !up.has(id) && !down.has(id);
  return (
    <>
      <h1>Lineage</h1>
      {graph.nodes.size === 0 && <p>Nothing is committed yet.</p>}
      <div class="scroll graph" role="region" aria-label="Lineage from sources to featuresets" tabIndex={0}>
        <svg width={placed.width} height={placed.height} viewBox={`0 0 ${placed.width} ${placed.height}`}>
          {placed.edges.map((edge) => (
            <Edge key={`${edge.from} ${edge.to}`} edge={edge} flows={flows} isFaint={isFaint(edge.from) || isFaint(edge.to)} />
          ))}
          {placed.nodes.map((box) => {
            const node = graph.nodes.get(box.id);
            return node === undefined ? null : (
              <Node key={box.id} box={box} node={node} status={status} isChosen={box.id === chosen?.id} isFaint={isFaint(box.id)} />
            );
          })}
        </svg>
      </div>
      {chosen === undefined ? (
        <p class="quiet">Choose one to see what it stands on, and what changes with it.</p>
      ) : (
        <Consequences chosen={chosen} graph={graph} up={up} down={down} status={status} column={column} />
      )}
    </>
  );
}

const NONE: ReadonlySet<string> = new Set();

interface EdgeProps {
  readonly edge: PlacedEdge;
  readonly flows: Flows;
  readonly isFaint: boolean;
}

/** With what flows along it in a second, and how far behind it is. */
function Edge({ edge: { from, to, path, middle }, flows, isFaint }: EdgeProps) {
  const { rate, behind } = flowTexts(flows, from, to);
  return (
    <g class={isFaint ? 'faint' : undefined}>
      <path class="edge" d={path} />
      <text class="edge-text" x={middle.x} y={middle.y - 5} text-anchor="middle">
        {rate}
      </text>
      <text class="edge-text behind" x={middle.x} y={middle.y + 13} text-anchor="middle">
        {behind}
      </text>
    </g>
  );
}

interface NodeProps {
  readonly box: PlacedNode;
  readonly node: LineageNode;
  readonly status: Status;
  readonly isChosen: boolean;
  readonly isFaint: boolean;
}

function Node({ box: { x, y, width }, node: { kind, name, title }, status, isChosen, isFaint }: NodeProps) {
  const left = x - width / 2;
  const top = y - NODE_HEIGHT / 2;
  return (
    <a
      href={hrefOf(isChosen ? ['lineage'] : ['lineage', kind, name])}
      class={`node ${kind}${isChosen ? ' chosen-node' : ''}${isFaint ? ' faint' : ''}`}
      aria-current={isChosen ? 'true' : undefined}
    >
      <rect x={left} y={top} width={width} height={NODE_HEIGHT} rx={kind === 'pipeline' ? 18 : 5} />
      <text x={left + 11} y={top + 17} class="node-name">
        {title}
      </text>{' '}
      <text x={left + 11} y={top + 31} class="node-kind">
        {subtitle(kind, name, status)}
      </text>
    </a>
  );
}

/** What it is, and how it does. */
function subtitle(kind: string, name: string, { jobs, sources, featuresets }: Status): string {
  if (kind === 'pipeline') {
    const progress = jobs.find((job) => job.name === name)?.progress;
    if (progress === undefined) return 'pipeline';
    return progress.paused ? 'pipeline · paused' : progress.caught_up ? 'pipeline · live' : 'pipeline · reads its history';
  }
  if (kind === 'source') {
    const source = sources.find(({ dataset }) => dataset === name);
    return source === undefined ? '' : `${source.connector_type} · ${source.state}`;
  }
  if (kind === 'featureset') return `${featuresets.find((one) => one.name === name)?.features.length ?? 0} features`;
  return kind;
}
