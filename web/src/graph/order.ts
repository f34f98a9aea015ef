// In which order the nodes of a column stand, so that few lines cross: the layered layout of dagre
// (Gansner et al., "A Technique for Drawing Directed Graphs", 1993) decides it. Where they stand is
// decided by place.ts, because what dagre says of that changes with each new node.
import { Graph, layout } from '@dagrejs/dagre';

import type { OrderTask } from './order-task';

/** The IDs of the nodes: for each column from top to bottom. */
export function orderOf({ nodes, links }: OrderTask): string[] {
  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 10, ranksep: 50 });
  graph.setDefaultEdgeLabel(() => ({}));
  const columns = new Map(nodes.map((one) => [one.id, one.column]));
  for (const one of nodes) {
    graph.setNode(`n:${one.id}`, { width: 100, height: 30 });
    if (one.column > 0) continue;
    graph.setNode(`g:${one.group}`, {});
    graph.setParent(`n:${one.id}`, `g:${one.group}`);
  }
  for (const { source, target } of links) {
    const length = (columns.get(target) ?? 0) - (columns.get(source) ?? 0);
    if (length > 0) graph.setEdge(`n:${source}`, `n:${target}`, { minlen: length });
  }
  layout(graph);
  const above = groupsAbove({ nodes, links }, columns);
  const ranked = nodes.map(({ id, group }) => ({
    id,
    // A line that passes a column goes above it: who has one stands above as well.
    isBelow: Number(!above.has(group)),
    y: graph.node(`n:${id}`)?.y ?? 0,
  }));
  ranked.sort((a, b) => a.isBelow - b.isBelow || a.y - b.y || (a.id < b.id ? -1 : 1));
  return ranked.map((one) => one.id);
}

/** Groups of clients with a line that passes a column. */
function groupsAbove(
  { nodes, links }: OrderTask,
  columns: ReadonlyMap<string, number>,
): Set<string> {
  const groups = new Map(nodes.map((one) => [one.id, one.group]));
  const passing = links.filter(
    ({ source, target }) => columns.get(source) === 0 && (columns.get(target) ?? 0) > 1,
  );
  return new Set(passing.map((one) => groups.get(one.source) ?? ''));
}
