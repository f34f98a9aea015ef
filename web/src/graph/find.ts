import type { GraphNode } from './types';

/** The node that a person means: by its whole label, the begin of a part of it, or any part. */
export function found(nodes: readonly GraphNode[], wanted: string): GraphNode | undefined {
  const text = wanted.trim().toLowerCase();
  if (text === '') return undefined;
  const ranked = nodes
    .map((one) => ({ one, rank: rankOf(one, text) }))
    .filter(({ rank }) => rank < 4)
    .sort((a, b) => a.rank - b.rank || b.one.traffic.queries - a.one.traffic.queries);
  return ranked[0]?.one;
}

function rankOf(node: GraphNode, text: string): number {
  const [label, name] = [node.label.toLowerCase(), node.name.toLowerCase()];
  if (label === text || name === text) return 0;
  if (label.split(/[/. ]/).some((part) => part.startsWith(text))) return 1;
  if (label.includes(text)) return 2;
  return name.includes(text) ? 3 : 4;
}
