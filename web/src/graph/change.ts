// What a live stream changes in the graph that is here.
import type { Graph, GraphChange } from './types';

interface Identified {
  id: string;
}

/** The graph after a change. What did not change stays the same object. */
export function changed(graph: Graph, change: GraphChange): Graph {
  return {
    ...graph,
    since: change.since,
    until: change.until,
    observed_seconds: change.observed_seconds,
    traffic: change.traffic,
    nodes: merged(graph.nodes, change.nodes, change.gone.nodes),
    edges: merged(graph.edges, change.edges, change.gone.edges),
    groups: change.groups.length > 0 ? change.groups : graph.groups,
    folded: change.folded,
  };
}

/** Replaced in place, added at the end, and removed. */
function merged<T extends Identified>(
  before: readonly T[],
  fresh: readonly T[],
  gone: readonly string[],
): T[] {
  const byId = new Map(before.map((one) => [one.id, one]));
  for (const one of fresh) byId.set(one.id, one);
  for (const id of gone) byId.delete(id);
  return [...byId.values()];
}
