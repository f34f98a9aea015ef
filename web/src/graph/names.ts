// What the log and the clients know of a node or line.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read } from '../api/client';
import type { Search } from '../app/router.svelte';
import { timesOf } from '../parts/range';
import type { View } from './address';
import { timeOf, withView } from './log-search';

const MOST = 8;
const OFTEN_MS = 10_000;

/** The names that were asked most. */
export const namesQuery = (found: Search, view: View, isQuiet: boolean) =>
  queryOptions({
    queryKey: ['queries', 'top', 'name', found, timeOf(view, isQuiet), view.filters],
    refetchInterval: view.range ? (false as const) : OFTEN_MS,
    queryFn: ({ signal }) => {
      const times = timesOf(timeOf(view, isQuiet));
      const query = { ...withView(found, view), range: undefined, ...times, most: MOST };
      const params = { path: { dimension: 'name' as const }, query };
      return read(api.GET('/api/v1/queries/top/{dimension}', { params, signal }));
    },
  });

/** The certificates of a workload, if our authority has issued them. */
export const certificatesQuery = (identity: string) =>
  queryOptions({
    queryKey: ['clients', 'detail', identity, 'certificates'],
    queryFn: async ({ signal }) => {
      const query = { client: identity, points: 1 };
      const found = await read(api.GET('/api/v1/clients/detail', { params: { query }, signal }));
      return found.certificates;
    },
  });
