// What the overview asks for. The graph of a time span has most of its figures in one answer.
import { keepPreviousData, queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';
import type { Span } from '../parts/intervals';
import { secondsOf, timesOf, type Range } from '../parts/range';

const EVERY_MS = 10_000;
const MOST = 8;
const POINTS = 120;
const BUCKET_SECONDS = 300;
// Shorter ranges take the rows of the log, which have finer intervals than the statistics.
const FINE_SECONDS = 6 * 3_600;

/** Queries by outcome in the intervals of a span; those without queries are left out. */
export interface Series extends Span {
  items: Schemas['SeriesPoint'][];
}

const shared = { refetchInterval: EVERY_MS, placeholderData: keepPreviousData };

/** The busiest clients. The graph has those of other Keyholes too, so its counts are not these. */
export const clientsQuery = (range: Range) =>
  queryOptions({
    queryKey: ['clients', 'overview', range],
    queryFn: ({ signal }) => {
      const query = { ...timesOf(range), limit: MOST };
      return read(api.GET('/api/v1/clients', { signal, params: { query } }));
    },
    ...shared,
  });

/** Figures of a time range. */
export const graphQuery = (range: Range) =>
  queryOptions({
    queryKey: ['graph', 'overview', range],
    queryFn: ({ signal }) =>
      read(api.GET('/api/v1/graph', { signal, params: { query: timesOf(range) } })),
    ...shared,
  });

/** Queries by outcome over time. */
export const seriesQuery = (range: Range) =>
  queryOptions({
    queryKey: ['series', range],
    queryFn: async ({ signal }): Promise<Series> => {
      const query = { ...timesOf(range), points: POINTS };
      if (secondsOf(range) > FINE_SECONDS) {
        const until = query.until ?? new Date().toISOString();
        const params = { query: { ...query, until } };
        const found = await read(api.GET('/api/v1/statistics/series', { signal, params }));
        return { items: found.items, ...bucketsOf(query.since, until) };
      }
      const found = await read(api.GET('/api/v1/queries/histogram', { signal, params: { query } }));
      const [since, until] = [seconds(found.since), seconds(found.until)];
      return { items: found.items, since, until, step: found.step_seconds };
    },
    ...shared,
  });

const seconds = (moment: string) => Date.parse(moment) / 1000;

/** The intervals of the statistics, whose length the API does not say: whole buckets. */
export function bucketsOf(since: string, until: string): Span {
  const length = Date.parse(until) - Date.parse(since);
  const buckets = Math.max(1, Math.ceil(length / POINTS / (BUCKET_SECONDS * 1000)));
  return { since: seconds(since), until: seconds(until), step: buckets * BUCKET_SECONDS };
}

/** The most frequent values; `withheld` counts blocked and refused queries alone. */
export const topQuery = (dimension: 'name' | 'list', range: Range, withheld = false) =>
  queryOptions({
    queryKey: ['top', dimension, withheld, range],
    queryFn: ({ signal }) => {
      const query = { ...timesOf(range), most: MOST, withheld };
      const params = { path: { dimension }, query };
      return read(api.GET('/api/v1/statistics/top/{dimension}', { signal, params }));
    },
    ...shared,
  });

/** Counts that need attention: queries that the log has lost. */
export const totalsQuery = (range: Range) =>
  queryOptions({
    queryKey: ['totals', range],
    queryFn: ({ signal }) =>
      read(api.GET('/api/v1/statistics', { signal, params: { query: timesOf(range) } })),
    ...shared,
  });
