// Queries that several pages share. Options only: use them as `createQuery(() => statusQuery())`.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read } from './client';

const OFTEN_MS = 5_000;
const SOMETIMES_MS = 15_000;

/** What the resolver does now. */
export const statusQuery = () =>
  queryOptions({
    queryKey: ['status'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/status', { signal })),
    refetchInterval: OFTEN_MS,
  });

/** Pauses of blocking that are in force. */
export const pausesQuery = () =>
  queryOptions({
    queryKey: ['pauses'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/pauses', { signal })),
    refetchInterval: SOMETIMES_MS,
  });

/** All lists, with the state of each. */
export const listsQuery = () =>
  queryOptions({
    queryKey: ['lists'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/lists', { signal })),
    refetchInterval: SOMETIMES_MS,
  });

/** All engines, with the snapshot of each. */
export const enginesQuery = () =>
  queryOptions({
    queryKey: ['engines'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/engines', { signal })),
    refetchInterval: SOMETIMES_MS,
  });
