// The busiest clients, from the graph: it knows the lock of each.
import type { Schemas } from '../api/client';
import { link } from '../app/router.svelte';
import type { Ranked } from './TopList.svelte';

const CLIENTS = new Set(['workload', 'token', 'address', 'claimed', 'anonymous']);
const FILTERED = new Set(['workload', 'token', 'address', 'claimed']);

function hrefOf(one: Schemas['Node'], range: Record<string, string | undefined>): string {
  if (!FILTERED.has(one.kind)) return link('/graph', { ...range, node: one.id });
  const client_kind = one.kind === 'workload' ? 'identity' : one.kind;
  return link('/log', { ...range, client: one.name, client_kind });
}

/** The rows of the ranking; undefined while the graph loads. */
export function clientsOf(
  graph: Schemas['Graph'] | undefined,
  range: Record<string, string | undefined>,
): Ranked[] | undefined {
  return graph?.nodes
    .filter((one) => CLIENTS.has(one.kind))
    .map((one) => ({
      label: one.label,
      title: one.name,
      count: one.traffic.queries,
      isClosed: one.lock.closed,
      href: hrefOf(one, range),
    }));
}
