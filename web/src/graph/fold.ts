// A picture is read when some twenty clients are in it. Of a large group the busiest stay, and the
// others become one node, as the API does it above 150.
import { grouped } from './group';
import { mergedEdge, mergedLock, mergedTraffic } from './merge';
import type { GraphEdge, Group, Shown } from './types';

/** Clients of a picture, and domains; more are folded. */
export const MAX_SHOWN = 24;
const ENGINE_GROUP = 'engines';

/** Which node stands for which: IDs of hidden nodes with the ID of their fold. */
export type Folds = ReadonlyMap<string, string>;

/**
 * Chooses what to fold. `before` is kept, so that a node does not come and go with its rate; groups
 * in `unfolded` are shown in full.
 */
export function chooseFolds(
  nodes: readonly Shown[],
  unfolded: ReadonlySet<string>,
  before: Folds = new Map(),
): Folds {
  const folds = new Map<string, string>();
  const clients = nodes.filter((one) => !isServer(one) && !unfolded.has(one.group));
  const domains = nodes.filter((one) => one.group === 'domains' && !unfolded.has(one.group));
  for (const part of [clients, domains]) {
    if (part.length > MAX_SHOWN) fold(part, folds, before);
  }
  return folds;
}

function fold(nodes: readonly Shown[], folds: Map<string, string>, before: Folds): void {
  const groups = grouped(nodes, (one) => one.group);
  const kept = quota([...groups.values()].map((one) => one.length));
  for (const [group, members] of groups) {
    if (members.length <= kept + 1) continue;
    const ranked = [...members].sort(
      (a, b) =>
        Number(before.has(a.id)) - Number(before.has(b.id)) ||
        b.traffic.queries - a.traffic.queries ||
        (a.id < b.id ? -1 : 1),
    );
    for (const one of ranked.slice(kept)) folds.set(one.id, `fold:${group}`);
  }
}

/** How many nodes each group keeps beside its fold, so that all fit. */
function quota(sizes: readonly number[]): number {
  let kept = 0;
  const shown = (most: number) =>
    sizes.map((size) => Math.min(size, most + 1)).reduce((a, b) => a + b, 0);
  while (kept < MAX_SHOWN && shown(kept + 1) <= MAX_SHOWN) kept += 1;
  return kept;
}

/** The nodes with the folds in place of what they hide; `label` names a fold. */
export function foldedNodes(
  nodes: readonly Shown[],
  groups: readonly Group[],
  folds: Folds,
  label: (count: number, group: string) => string,
): Shown[] {
  const names = new Map(groups.map((one) => [one.id, one.label]));
  const hidden = grouped(
    nodes.filter((one) => folds.has(one.id)),
    (one) => folds.get(one.id) as string,
  );
  const found: Shown[] = nodes.filter((one) => !folds.has(one.id));
  for (const [id, members] of hidden) {
    const group = (members[0] as Shown).group;
    const count = members.reduce((a, one) => a + one.members, 0);
    const name = names.get(group) ?? group;
    found.push({
      id,
      kind: 'folded',
      label: label(count, name),
      name,
      group,
      members: count,
      traffic: mergedTraffic(members.map((one) => one.traffic)),
      lock: mergedLock(members.map((one) => one.lock)),
      hides: members.map((one) => one.id),
      isQuiet: members.every((one) => one.isQuiet),
    });
  }
  return found;
}

/** The edges between the nodes that are left. */
export function foldedEdges(edges: readonly GraphEdge[], folds: Folds): GraphEdge[] {
  if (folds.size === 0) return [...edges];
  const end = (id: string) => folds.get(id) ?? id;
  const byEnds = grouped(edges, (one) => `${end(one.source)}>${end(one.target)}:${one.kind}`);
  return [...byEnds.values()].map((parts) => {
    const [first] = parts;
    const [source, target] = [end((first as GraphEdge).source), end((first as GraphEdge).target)];
    const isSame = parts.length === 1 && source === first?.source && target === first.target;
    return isSame ? (first as GraphEdge) : mergedEdge(parts, source, target);
  });
}

const isServer = (node: Shown): boolean =>
  [ENGINE_GROUP, 'upstreams', 'domains'].includes(node.group);
