// What the first run asks.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read } from '../api/client';

const OFTEN_MS = 3_000;

/** The well-known lists. */
export const catalogQuery = () =>
  queryOptions({
    queryKey: ['lists', ':catalog'],
    queryFn: async ({ signal }) => (await read(api.GET('/api/v1/lists/catalog', { signal }))).items,
    staleTime: Infinity,
  });

/** What happens to these names now, for this machine. Lists may still be on their way. */
export const explainQuery = (names: string[]) =>
  queryOptions({
    queryKey: ['explain', ':first', ...names],
    queryFn: ({ signal }) =>
      Promise.all(
        names.filter(Boolean).map((name) => {
          const params = { query: { name } };
          return read(api.GET('/api/v1/explain', { params, signal }));
        }),
      ),
    refetchInterval: OFTEN_MS,
    placeholderData: (before) => before,
  });
