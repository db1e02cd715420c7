import * as dagre from '@dagrejs/dagre';
import type { LineageGraph } from './graph.js';

interface Box {
  readonly width: number;
  readonly height: number;
}

/** What of the library is used. Its own types name their files without endings, which the resolution of ES modules does not find. */
interface LayoutLibrary {
  readonly Graph: new () => DirectedGraph;
  readonly layout: (graph: DirectedGraph) => void;
}

interface DirectedGraph {
  setGraph(options: Readonly<Record<string, string | number>>): void;
  setDefaultEdgeLabel(make: () => object): void;
  setNode(id: string, box: Box): void;
  setEdge(from: string, to: string): void;
  graph(): Partial<Box>;
  node(id: string): Box & Point;
  edge(from: string, to: string): { readonly points: readonly Point[] };
}

const { Graph, layout } = dagre as unknown as LayoutLibrary;

export interface PlacedNode {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  /** An SVG path. */
  readonly path: string;
  readonly middle: { readonly x: number; readonly y: number };
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

export const NODE_HEIGHT = 40;
const CHARACTER_WIDTH = 7.6;
const NODE_WIDTH_MIN = 96;
const NODE_PADDING = 22;

/** From left to right, as records flow. */
export function layoutOf({ nodes, edges }: LineageGraph): Layout {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 66, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, title } of nodes.values())
    graph.setNode(id, { width: Math.max(NODE_WIDTH_MIN, Math.round(title.length * CHARACTER_WIDTH) + NODE_PADDING), height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    nodes: [...nodes.keys()].map((id) => {
      const { x, y, width: wide } = graph.node(id);
      return { id, x, y, width: wide };
    }),
    edges: edges.map(({ from, to }) => {
      const { points } = graph.edge(from, to);
      return { from, to, path: pathOf(points), middle: middleOf(points) };
    }),
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Through the middles between the points, so that it bends softly. */
function pathOf(points: readonly Point[]): string {
  const at = ({ x, y }: Point): string => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return '';
  const middles = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1] ?? last;
    return `Q${at(point)} ${at({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  return `M${at(first)}${middles.join('')}L${at(last)}`;
}

function middleOf(points: readonly Point[]): Point {
  const [one, other] = [points[Math.floor((points.length - 1) / 2)], points[Math.ceil((points.length - 1) / 2)]];
  return one === undefined || other === undefined ? { x: 0, y: 0 } : { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}
