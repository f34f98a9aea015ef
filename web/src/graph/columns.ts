// The graph is read from left to right: who asks, the engines in the order in which queries pass
// them, upstreams, and domains.
import type { GraphNode, Link, Shown } from './types';

const ENGINES = ['resolver', 'forwarder', 'engine'];

export const isEngine = (node: Pick<GraphNode, 'kind'>): boolean => ENGINES.includes(node.kind);

/** The column of each node; 0 are the clients. */
export function columnsOf(nodes: readonly Shown[], links: readonly Link[]): Map<string, number> {
  const columns = engineColumns(nodes, links);
  const last = Math.max(0, ...columns.values());
  for (const node of nodes) {
    if (!columns.has(node.id)) columns.set(node.id, besides(node, links, last));
  }
  return compact(columns);
}

/** Engines: one behind the last of those that ask them. A circle is cut where it is met. */
function engineColumns(nodes: readonly Shown[], links: readonly Link[]): Map<string, number> {
  const engines = new Set(nodes.filter(isEngine).map((one) => one.id));
  const askers = new Map<string, string[]>();
  for (const { source, target } of links) {
    if (!engines.has(source) || !engines.has(target) || source === target) continue;
    askers.set(target, [...(askers.get(target) ?? []), source]);
  }
  const columns = new Map<string, number>();
  const open = new Set<string>();
  const visit = (id: string): number => {
    const known = columns.get(id);
    if (known !== undefined) return known;
    if (open.has(id)) return 0;
    open.add(id);
    const column = 1 + Math.max(0, ...(askers.get(id) ?? []).map(visit));
    columns.set(id, column);
    return column;
  };
  for (const id of [...engines].sort()) visit(id);
  return columns;
}

function besides(node: Shown, links: readonly Link[], last: number): number {
  if (node.group === 'domains') return last + 2;
  if (node.group === 'upstreams' || node.kind === 'upstream') return last + 1;
  const isAsked = links.some((one) => one.target === node.id);
  const asks = links.some((one) => one.source === node.id);
  return isAsked && !asks ? last + 1 : 0;
}

/** Without empty columns. */
function compact(columns: Map<string, number>): Map<string, number> {
  const used = [...new Set(columns.values())].sort((a, b) => a - b);
  return new Map([...columns].map(([id, column]) => [id, used.indexOf(column)]));
}
