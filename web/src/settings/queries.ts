// What several sub-pages ask.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';
import { queryClient } from '../api/query-client';

export type Session = Schemas['Session'];

/** Own sessions, or those of everybody. */
export const sessionsQuery = (everybody: boolean) =>
  queryOptions({
    queryKey: ['sessions', everybody],
    queryFn: ({ signal }) =>
      read(api.GET('/api/v1/sessions', { params: { query: { everybody } }, signal })),
    select: ({ items }) => items,
    refetchInterval: 30_000,
  });

/** Asks anew for what has changed, by the first part of its key. */
export const renew = (...keys: string[]) =>
  Promise.all(keys.map((one) => queryClient.invalidateQueries({ queryKey: [one] })));

export type Person = Schemas['Person'];
export type Token = Schemas['Token'];

/** All accounts. */
export const peopleQuery = () =>
  queryOptions({
    queryKey: ['people'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/people', { signal })),
    select: ({ items }) => items,
  });

/** All tokens for programs. */
export const tokensQuery = () =>
  queryOptions({
    queryKey: ['tokens'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/tokens', { signal })),
    select: ({ items }) => items,
  });

export type Setting = Schemas['Setting'];

/** What runs from keyhole.yaml. */
export const settingsQuery = () =>
  queryOptions({
    queryKey: ['settings'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/settings', { signal })),
    staleTime: 60_000,
  });
