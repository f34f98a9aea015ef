// The busiest clients: the same numbers as on the page of the clients, and in the log.
import type { Schemas } from '../api/client';
import { link } from '../app/router.svelte';
import type { Ranked } from './TopList.svelte';

type Client = Schemas['ClientSummary'];

function hrefOf(one: Client, range: Record<string, string | undefined>): string {
  // The log has no row of what was not logged.
  if (one.kind === 'uncounted') return link('/clients', { ...range, client: one.id });
  const who = one.kind === 'anonymous' ? { policy: one.value } : { client: one.value };
  return link('/log', { ...range, ...who, client_kind: one.kind });
}

/** The rows of the ranking; undefined while the clients load. */
export function clientsOf(
  clients: readonly Client[] | undefined,
  range: Record<string, string | undefined>,
): Ranked[] | undefined {
  return clients
    ?.filter((one) => one.queries > 0)
    .map((one) => ({
      label: one.label,
      title: one.id,
      count: one.queries,
      isClosed: one.reasons.length === 0,
      isUnknown: one.reasons.length === 0 && one.unknown === one.queries,
      href: hrefOf(one, range),
    }));
}
