import { useMemo } from 'preact/hooks';
import { featuresOn, graphOf, nodeId, reached, type LineageGraph, type LineageNode } from './lineage/graph.js';
import { layoutOf, NODE_HEIGHT, type PlacedEdge, type PlacedNode } from './lineage/layout.js';
import { Section } from './parts.js';
import { hrefOf, type Place } from './place.js';
import { useRates } from './rates.js';
import type { Status } from './status.js';
import { countText, rateText } from './words.js';

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
  const [, kind = '', name = ''] = place.path;
  const chosen = graph.nodes.get(nodeId(kind, name));
  const [up, down] = useMemo(
    () => [chosen === undefined ? NONE : reached(graph, chosen.id, 'up'), chosen === undefined ? NONE : reached(graph, chosen.id, 'down')],
    [graph, chosen],
  );
  const rates = useRates(new Map(status.jobs.map((job) => [job.name, job.progress.read])), readMs);
  const isFaint = (id: string): boolean => chosen !== undefined && id !== chosen.id && !up.has(id) && !down.has(id);
  return (
    <>
      <h1>Lineage</h1>
      {graph.nodes.size === 0 && <p>Nothing is committed yet.</p>}
      <div class="scroll graph" role="region" aria-label="Lineage from sources to featuresets" tabIndex={0}>
        <svg width={placed.width} height={placed.height} viewBox={`0 0 ${placed.width} ${placed.height}`}>
          {placed.edges.map((edge) => (
            <Edge key={`${edge.from} ${edge.to}`} edge={edge} isFaint={isFaint(edge.from) || isFaint(edge.to)} />
          ))}
          {placed.nodes.map((box) => {
            const node = graph.nodes.get(box.id);
            return node === undefined ? null : (
              <Node
                key={box.id}
                box={box}
                node={node}
                status={status}
                rates={rates}
                isChosen={box.id === chosen?.id}
                isFaint={isFaint(box.id)}
              />
            );
          })}
        </svg>
      </div>
      {chosen === undefined ? (
        <p class="quiet">Choose one to see what it stands on, and what changes with it.</p>
      ) : (
        <Consequences chosen={chosen} graph={graph} up={up} down={down} status={status} />
      )}
    </>
  );
}

const NONE: ReadonlySet<string> = new Set();

function Edge({ edge: { path }, isFaint }: { readonly edge: PlacedEdge; readonly isFaint: boolean }) {
  return <path class={isFaint ? 'edge faint' : 'edge'} d={path} />;
}

interface NodeProps {
  readonly box: PlacedNode;
  readonly node: LineageNode;
  readonly status: Status;
  readonly rates: ReadonlyMap<string, number> | undefined;
  readonly isChosen: boolean;
  readonly isFaint: boolean;
}

function Node({ box: { x, y, width }, node: { kind, name, title }, status, rates, isChosen, isFaint }: NodeProps) {
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
        {subtitle(kind, name, status, rates)}
      </text>
    </a>
  );
}

/** What it is, and of what moves how fast, and how far behind. */
function subtitle(
  kind: string,
  name: string,
  { jobs, sources, featuresets }: Status,
  rates: ReadonlyMap<string, number> | undefined,
): string {
  if (kind === 'pipeline') {
    const lag = jobs.find((job) => job.name === name)?.progress.lag ?? 0;
    const rate = rates === undefined ? '' : `${rateText(rates.get(name) ?? 0)}/s`;
    return lag > 0 ? `${rate} · ${countText(lag)} behind` : rate;
  }
  if (kind === 'source') {
    const source = sources.find(({ dataset }) => dataset === name);
    return source === undefined ? '' : `${source.connector_type} · ${source.state}`;
  }
  if (kind === 'featureset') return `${featuresets.find((one) => one.name === name)?.features.length ?? 0} features`;
  return kind;
}

interface ConsequencesProps {
  readonly chosen: LineageNode;
  readonly graph: LineageGraph;
  readonly up: ReadonlySet<string>;
  readonly down: ReadonlySet<string>;
  readonly status: Status;
}

/** What breaks if the chosen one changes, down to features. */
function Consequences({ chosen, graph, up, down, status }: ConsequencesProps) {
  const touched = featuresOn(status, new Set([chosen.id, ...down]), chosen.id);
  return (
    <Section
      title={`If ${chosen.title} changes`}
      aside={chosen.kind === 'source' ? undefined : <a href={hrefOf(['catalog', chosen.kind, chosen.name])}>Its definition</a>}
    >
      <dl class="facts">
        <div>
          <dt>It stands on</dt>
          <dd>{up.size === 0 ? 'nothing before it' : <Nodes ids={up} graph={graph} />}</dd>
        </div>
        <div>
          <dt>On it stand</dt>
          <dd>{down.size === 0 ? 'nothing' : <Nodes ids={down} graph={graph} />}</dd>
        </div>
        {[...touched].map(([name, features]) => (
          <div key={name}>
            <dt>Features of {name}</dt>
            <dd>{features.map((feature) => feature.name).join(', ')}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">As the definitions say it. What an extractor looks up in its code is not among them.</p>
    </Section>
  );
}

function Nodes({ ids, graph }: { readonly ids: ReadonlySet<string>; readonly graph: LineageGraph }) {
  return (
    <>
      {[...ids].flatMap((id, i) => {
        const node = graph.nodes.get(id);
        return node === undefined
          ? []
          : [
              i === 0 ? '' : ', ',
              <a key={id} href={hrefOf(['lineage', node.kind, node.name])}>
                {node.title}
              </a>,
            ];
      })}
    </>
  );
}
