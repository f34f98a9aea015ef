// Where the queries of a node or line are in the log; nothing where they are in no log of ours.
import type { Search } from '../app/router.svelte';
import { rangeSearch, type Range } from '../parts/range';
import type { View } from './address';
import { isEngine } from './columns';
import type { GraphNode, Link } from './types';

const LOCAL = 'local';

/** Criteria of the log for a node. */
export function ofNode(node: GraphNode): Search | null {
  switch (node.kind) {
    case 'workload':
      return { client: node.name, client_kind: 'identity' };
    case 'token':
    case 'address':
    case 'claimed':
      // Else the log would have all that came from the address, and the proved with the claimed.
      return { client: node.name, client_kind: node.kind };
    case 'anonymous':
      return { policy: node.id.slice('anonymous:'.length), client_kind: 'anonymous' };
    case 'upstream':
      return { upstream: node.name };
    case 'domain':
      return { below: node.name };
    default:
      return isEngine(node) ? ofEngine(node) : null;
  }
}

/** The log holds queries of this Keyhole's engine and of linked ones, not those of neighbors. */
function ofEngine(node: GraphNode): Search | null {
  return node.name === LOCAL || node.name.startsWith('spiffe://') ? { engine: node.name } : null;
}

/** Whether the log has what this node was asked; true of what is no engine. */
export function isInLog(id: string, nodes: readonly GraphNode[]): boolean {
  const node = nodes.find((one) => one.id === id);
  return !node || !isEngine(node) || ofEngine(node) !== null;
}

/** Criteria of the log for a line. */
export function ofLink(link: Link, nodes: ReadonlyMap<string, GraphNode>): Search | null {
  const [source, target] = [nodes.get(link.source), nodes.get(link.target)];
  if (!source || !target) return null;
  if (link.main.kind === 'asks') {
    const [client, engine] = [ofNode(source), ofEngine(target)];
    return client && engine && { ...client, ...engine };
  }
  const engine = ofEngine(source);
  if (!engine) return null;
  if (link.main.kind === 'names')
    return target.kind === 'domain' ? { ...engine, below: target.name } : null;
  const names = Object.keys(link.main.upstreams);
  return names.length === 1 ? { ...engine, upstream: names[0] } : null;
}

/** The time of the figures: a live graph has the last minute, and of what is quiet the last hour. */
export const timeOf = ({ range }: View, isQuiet = false): Range =>
  range ?? { last: isQuiet ? '1h' : '1m' };

/** The same with the time and the filters of the view. */
export function withView(found: Search, view: View, isQuiet = false): Search {
  const { verdict, transport, policy } = view.filters;
  return {
    ...rangeSearch(timeOf(view, isQuiet)),
    outcome: verdict,
    transport,
    policy,
    ...found,
  };
}

/** Criteria for a version of TLS. Of the way out a row has no more than a version. */
export const tlsSearch = (version: string, isOutgoing: boolean): Search =>
  isOutgoing ? { upstream_tls: version === 'unknown' ? 'none' : version } : { tls: version };
