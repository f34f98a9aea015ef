// What a view of the graph is, in the address.
import type { Search } from '../app/router.svelte';
import { readRange, type Range } from '../parts/range';

export const NAMES = [
  'view', 'range', 'since', 'until', 'namespace', 'verdict', 'transport', 'policy', 'domains',
  'node', 'edge', 'unfold',
] as const; // prettier-ignore

type Found = Partial<Record<(typeof NAMES)[number], string>>;

/** The filters that the API knows. */
export interface Filters {
  namespace?: string;
  verdict?: string;
  transport?: string;
  policy?: string;
  domains?: boolean;
}

/** Everything that the address says. */
export interface View {
  /** Undefined for what suits the width. */
  form: 'picture' | 'table' | undefined;
  /** Null for live. */
  range: Range | null;
  filters: Filters;
  /** The ID of what is chosen. */
  node: string | undefined;
  edge: string | undefined;
  unfolded: readonly string[];
}

export function viewOf(found: Found): View {
  const { namespace, verdict, transport, policy } = found;
  const isPast = Boolean(found.range ?? (found.since && found.until));
  return {
    form: found.view === 'picture' || found.view === 'table' ? found.view : undefined,
    range: isPast ? readRange(found) : null,
    filters: {
      ...(namespace && { namespace }),
      ...(verdict && { verdict }),
      ...(transport && { transport }),
      ...(policy && { policy }),
      ...(found.domains === 'true' && { domains: true }),
    },
    node: found.node,
    edge: found.edge,
    // An ID of a group may hold a comma.
    unfolded: found.unfold ? found.unfold.split('\n') : [],
  };
}

/** The parameters that open groups. */
export const unfoldSearch = (groups: readonly string[]): Search => ({ unfold: groups.join('\n') });

/** Filters as parameters of a URL of the API. */
export function filterParams(filters: Filters): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value) params.set(name, String(value));
  return params;
}
