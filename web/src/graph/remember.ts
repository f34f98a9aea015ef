// A live graph has a short window: who asks once in a few minutes would come and go. What was seen
// before stays in the picture, and is marked as quiet.
import type { Graph, GraphEdge, Shown } from './types';

/** As many nodes as an answer of the API has at most. */
export const MAX_NODES = 150;

/** A graph with nodes and edges that had no query in its time span. */
export interface Remembered {
  graph: Graph;
  quiet: ReadonlySet<string>;
}

/**
 * The graph, and what `before` knew beside it. Nodes that were folded have other IDs from time to
 * time, so nothing is remembered where nodes are folded.
 */
export function remember(graph: Graph, before: Graph | undefined): Remembered {
  if (!before || graph.folded > 0 || before.folded > 0) return { graph, quiet: new Set() };
  const known = new Set(graph.nodes.map((one) => one.id));
  const room = Math.max(0, MAX_NODES - graph.nodes.length);
  const nodes = before.nodes.filter((one) => !known.has(one.id)).slice(0, room);
  const there = new Set([...known, ...nodes.map((one) => one.id)]);
  const asked = new Set(graph.edges.map((one) => one.id));
  const edges = before.edges.filter(
    (one) => !asked.has(one.id) && there.has(one.source) && there.has(one.target),
  );
  const groups = new Map([...before.groups, ...graph.groups].map((one) => [one.id, one]));
  return {
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...nodes],
      edges: [...graph.edges, ...edges],
      groups: [...groups.values()],
    },
    quiet: new Set([...nodes, ...edges].map((one) => one.id)),
  };
}

/** What is known after an answer: all that was seen, each as it was seen last. */
export function latest(graph: Graph, before: Graph | undefined): Graph {
  return remember(graph, before).graph;
}

/** Marks the nodes that are quiet. */
export function marked(nodes: readonly Shown[], quiet: ReadonlySet<string>): Shown[] {
  return nodes.map((one) => (quiet.has(one.id) ? { ...one, isQuiet: true } : one));
}

/** Whether an edge had no query in the time that is shown. */
export const isQuiet = (edge: GraphEdge, quiet: ReadonlySet<string>): boolean => quiet.has(edge.id);
