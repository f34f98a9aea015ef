// What the pages of clients ask, and addresses of clients.
import { keepPreviousData, queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';
import { link, type Search } from '../app/router.svelte';
import { rangeSearch, timesOf, type Range } from '../parts/range';

export type Summary = Schemas['ClientSummary'];
export type Detail = Schemas['ClientDetail'];
export type Delivery = Schemas['Delivery'];

const OFTEN_MS = 5_000;

/** The clients of a time range. */
export const clientsQuery = (range: Range, contains: string, limit: number) =>
  queryOptions({
    queryKey: ['clients', range, contains, limit],
    queryFn: ({ signal }) => {
      const query = { ...timesOf(range), contains: contains || undefined, limit };
      return read(api.GET('/api/v1/clients', { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
    refetchInterval: OFTEN_MS,
  });

/** One client in a time range. */
export const detailQuery = (id: string, range: Range) =>
  queryOptions({
    queryKey: ['clients', 'detail', id, range],
    queryFn: ({ signal }) => {
      const query = { ...timesOf(range), client: id };
      return read(api.GET('/api/v1/clients/detail', { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
    refetchInterval: OFTEN_MS,
  });

/** Join tokens, and whether clients can enroll. */
export const enrollmentsQuery = () =>
  queryOptions({
    queryKey: ['enrollments'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/enrollments', { signal })),
    refetchInterval: OFTEN_MS,
  });

/** The valid tokens of clients. A change of a client asks for them again. */
export const tokensQuery = () =>
  queryOptions({
    queryKey: ['clients', 'tokens'],
    queryFn: async ({ signal }) => (await read(api.GET('/api/v1/client-tokens', { signal }))).items,
    refetchInterval: OFTEN_MS,
  });

/** The page of a client. */
export const clientHref = (id: string, range?: Range) =>
  link('/clients', { client: id, ...(range ? rangeSearch(range) : {}) });

/** The log of a client; undefined for one that the log cannot be searched for. */
export function logHref(one: Summary, range: Range, more: Search = {}) {
  if (one.kind === 'uncounted' || one.kind === 'network') return undefined;
  const value = one.kind === 'anonymous' ? { policy: one.value } : { client: one.value };
  const who = { ...value, client_kind: one.kind };
  return link('/log', { ...who, ...rangeSearch(range), ...more });
}

/** A client as quarantines name it. */
export const quarantined = ({ kind, value, client }: Summary) => ({
  kind,
  value,
  document: client,
});

/** The last part of a SPIFFE ID, until the API has said the label; other IDs are short. */
export const shortId = (id: string): string =>
  id.startsWith('spiffe://') ? (id.split('/').at(-1) ?? id) : id;
