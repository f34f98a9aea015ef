// What the API is asked about lists.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';

const BUSY_MS = 1_000;
const SOMETIMES_MS = 10_000;

export type ListSummary = Schemas['ListSummary'];
export type ListDetail = Schemas['ListDetail'];
export type ListSource = Schemas['ListSource'];
export type ListPreview = Schemas['ListPreview'];
export type CatalogEntry = Schemas['CatalogEntry'];

/** Whether something is under way, so that it is asked again soon. */
export const isBusy = (one: Pick<ListSummary, 'state'>): boolean =>
  one.state === 'downloading' || one.state === 'compiling' || one.state === 'waiting';

/** The state of all lists. Another key than that of the overview, which keeps the whole answer. */
export const listsQuery = () =>
  queryOptions({
    queryKey: ['lists', ':items'],
    queryFn: async ({ signal }) => (await read(api.GET('/api/v1/lists', { signal }))).items,
    refetchInterval: ({ state }) => (state.data?.some(isBusy) ? BUSY_MS : SOMETIMES_MS),
  });

/** The state of one list, with examples of what was left out. */
export const listQuery = (name: string) =>
  queryOptions({
    queryKey: ['lists', name],
    queryFn: ({ signal }) =>
      read(api.GET('/api/v1/lists/{name}', { params: { path: { name } }, signal })),
    refetchInterval: ({ state }) => (state.data && isBusy(state.data) ? BUSY_MS : SOMETIMES_MS),
  });

/** The well-known lists. */
export const catalogQuery = () =>
  queryOptions({
    queryKey: ['lists', ':catalog'],
    queryFn: async ({ signal }) => (await read(api.GET('/api/v1/lists/catalog', { signal }))).items,
    staleTime: Infinity,
  });

/** The entries of all lists that match a name. */
export const searchQuery = (name: string) =>
  queryOptions({
    queryKey: ['lists', ':search', name],
    queryFn: async ({ signal }) => {
      const query = { name };
      return (await read(api.GET('/api/v1/lists/search', { params: { query }, signal }))).items;
    },
  });

/** Downloads lists now. */
export const refresh = (names: string[]) =>
  read(api.POST('/api/v1/lists/refresh', { body: { names } }));

/** What a list would do. */
export const preview = (body: Schemas['PreviewRequest']) =>
  read(api.POST('/api/v1/lists/preview', { body }));
