// Graphs for tests, with as many nodes and edges as are wanted.
import type { Graph, GraphEdge, GraphNode, Traffic } from '../../src/graph/types';

export function traffic(queries: number, changes: Partial<Traffic> = {}): Traffic {
  return {
    queries,
    rate: queries / 60,
    by_outcome: { answered: queries },
    by_reason: { forwarded: queries },
    by_transport: { dot: queries },
    errors: 0,
    blocked_share: 0,
    encrypted_share: 1,
    authenticated_share: 1,
    unprotected: 0,
    unknown: 0,
    waited: queries,
    wait_us: { p50: 1000, p95: 2000, p99: 3000 },
    ...changes,
  };
}

export const CLOSED = { closed: true, state: 'closed' as const, reasons: [] };

export const open = (reason: string, queries: number) => ({
  closed: false,
  state: 'open' as const,
  reasons: [{ reason, queries, text: `${queries} queries ${reason}` }],
});

export function node(id: string, changes: Partial<GraphNode> = {}): GraphNode {
  return {
    id,
    kind: 'workload',
    label: id,
    name: `spiffe://keyhole.lab/ns/shop/sa/${id}`,
    group: 'namespace:shop',
    members: 1,
    traffic: traffic(60),
    lock: CLOSED,
    ...changes,
  };
}

export const engine = (id: string, kind: 'resolver' | 'forwarder' = 'resolver'): GraphNode =>
  node(id, { kind, group: 'engines', name: 'local' });

export const upstream = (id: string): GraphNode =>
  node(id, { kind: 'upstream', group: 'upstreams', name: id });

export function edge(
  source: string,
  target: string,
  kind: GraphEdge['kind'] = 'asks',
  changes: Partial<GraphEdge> = {},
): GraphEdge {
  return {
    id: `${source}>${target}:${kind}`,
    source,
    target,
    kind,
    how: { certificate: 60 },
    tls: { '1.3': 60 },
    upstreams: {},
    policies: { web: 60 },
    traffic: traffic(60),
    lock: CLOSED,
    ...changes,
  };
}

export function graph(nodes: GraphNode[], edges: GraphEdge[], changes: Partial<Graph> = {}): Graph {
  const ids = [...new Set(nodes.map((one) => one.group))];
  return {
    since: '2026-11-29T12:00:00Z',
    until: '2026-11-29T12:01:00Z',
    observed_seconds: 60,
    traffic: traffic(600),
    nodes,
    groups: ids.map((id) => ({
      id,
      label: id.replace(':', ' '),
      nodes: nodes.filter((one) => one.group === id).length,
    })),
    edges,
    folded: 0,
    step: null,
    intervals: [],
    ...changes,
  };
}

/** Clients of several namespaces, each asking a resolver, which asks a forwarder and that an upstream. */
export function chain(clients: number, namespaces = 3): Graph {
  const who = Array.from({ length: clients }, (_, at) =>
    node(`c${at}`, {
      group: `namespace:n${at % namespaces}`,
      traffic: traffic(1000 - at),
    }),
  );
  return graph(
    [...who, engine('r'), engine('f', 'forwarder'), upstream('u')],
    [
      ...who.map((one) => edge(one.id, 'r', 'asks', { traffic: one.traffic })),
      edge('r', 'f', 'forwards'),
      edge('r', 'f', 'asks'),
      edge('f', 'u', 'forwards'),
    ],
  );
}

/** The value, which a test knows to be there. */
export function there<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error('what the test needs is missing');
  return value;
}
