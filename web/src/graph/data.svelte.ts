// The graph that the address asks for: live by a stream of changes, or of a time in the past.
import { createQuery, keepPreviousData } from '@tanstack/svelte-query';

import { api, read } from '../api/client';
import { live, type LiveState } from '../api/live.svelte';
import { secondsOf, timesOf } from '../parts/range';
import { filterParams, type Filters, type View } from './address';
import { changed } from './change';
import { latest, remember } from './remember';
import { stepFor } from './replay';
import type { Graph, GraphChange } from './types';

/** The time that a live graph shows, in seconds. */
export const WINDOW = 60;
const KNOWN_WINDOW = 3_600;
const PAUSE = 2;
const POLL_MS = 5_000;
const REFRESH_MS = 30_000;
const NOTHING: ReadonlySet<string> = new Set();

export interface GraphData {
  /** Undefined while it loads. */
  readonly graph: Graph | undefined;
  /** IDs of what is remembered alone. */
  readonly quiet: ReadonlySet<string>;
  readonly error: unknown;
  /** Of the stream; null for a past time. */
  readonly state: LiveState | null;
}

/** Follows the view. Call it while a component starts. `isHeld` keeps a past graph as it is. */
export function graphData(view: () => View, isHeld: () => boolean): GraphData {
  let fresh = $state.raw<Graph>();
  let known = $state.raw<Graph>();
  const isLive = $derived(view().range === null);
  const filters = $derived(JSON.stringify(view().filters));

  $effect(() => {
    void [filters, isLive];
    fresh = known = undefined;
  });
  const take = (graph: Graph) => {
    known = latest(graph, known);
    fresh = graph;
  };
  const stream = live(() => (isLive ? livePath(JSON.parse(filters)) : null), {
    graph: (data) => take(data as Graph),
    change: (data) => {
      if (fresh) take(changed(fresh, data as GraphChange));
    },
  });

  // Who asked in the last hour has a place from the beginning.
  const hour = createQuery(() => ({
    queryKey: ['graph', 'hour', filters],
    queryFn: ({ signal }) => ask({ ...JSON.parse(filters), window: KNOWN_WINDOW }, signal),
    enabled: isLive,
    staleTime: Infinity,
    gcTime: 0,
  }));
  const polled = createQuery(() => ({
    queryKey: ['graph', 'minute', filters],
    queryFn: ({ signal }) => ask({ ...JSON.parse(filters), window: WINDOW }, signal),
    enabled: isLive && stream.state === 'waiting',
    refetchInterval: POLL_MS,
    gcTime: 0,
  }));
  $effect(() => {
    if (isLive && stream.state === 'waiting' && polled.data) take(polled.data);
  });
  const past = createQuery(() => {
    const range = view().range;
    return {
      queryKey: ['graph', 'past', filters, range],
      queryFn: ({ signal }) => {
        const given = range ?? { last: '1h' as const };
        const step = stepFor(secondsOf(given));
        return ask({ ...JSON.parse(filters), ...timesOf(given), step }, signal);
      },
      enabled: range !== null,
      placeholderData: keepPreviousData,
      refetchInterval: range && 'last' in range && !isHeld() ? REFRESH_MS : (false as const),
    };
  });

  const shown = $derived.by(() => {
    if (!isLive) return { graph: past.data, quiet: NOTHING };
    if (!fresh || hour.isLoading) return { graph: undefined, quiet: NOTHING };
    return remember(fresh, known ? latest(known, hour.data) : hour.data);
  });
  return {
    get graph() {
      return shown.graph;
    },
    get quiet() {
      return shown.quiet;
    },
    get error() {
      return isLive ? polled.error : past.error;
    },
    get state() {
      return isLive ? stream.state : null;
    },
  };
}

function livePath(filters: Filters): string {
  const params = filterParams(filters);
  params.set('window', String(WINDOW));
  params.set('pause', String(PAUSE));
  return `/api/v1/graph/live?${params}`;
}

type Asked = Filters & { window?: number; since?: string; until?: string; step?: number };

const ask = (query: Asked, signal: AbortSignal): Promise<Graph> =>
  read(api.GET('/api/v1/graph', { params: { query }, signal }));
