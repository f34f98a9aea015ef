// What the API is asked about documents. The first part of a key is the resource.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read } from '../api/client';
import type { Kind, StoredDocument } from './kinds';

const SOMETIMES_MS = 10_000;

async function allPages(kind: Kind | undefined, signal: AbortSignal): Promise<StoredDocument[]> {
  const found: StoredDocument[] = [];
  let cursor: string | null = null;
  do {
    const query = { kind, limit: 1_000, cursor: cursor ?? undefined };
    const page: { items: StoredDocument[]; next?: string | null } = await read(
      api.GET('/api/v1/documents', { params: { query }, signal }),
    );
    found.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null);
  return found;
}

/** All documents of a kind, or of all kinds. */
export const documentsQuery = (kind?: Kind) =>
  queryOptions({
    queryKey: ['documents', kind ?? 'all'],
    queryFn: ({ signal }) => allPages(kind, signal),
    refetchInterval: SOMETIMES_MS,
  });

/** One document that has an effect. */
export const documentQuery = (kind: Kind, name: string) =>
  queryOptions({
    queryKey: ['documents', kind, name],
    queryFn: ({ signal }) =>
      read(
        api.GET('/api/v1/documents/{kind}/{name}', { params: { path: { kind, name } }, signal }),
      ),
    refetchInterval: SOMETIMES_MS,
  });

/** All versions of a stored document, the newest first. */
export const versionsQuery = (kind: Kind, name: string) =>
  queryOptions({
    queryKey: ['documents', kind, name, 'versions'],
    queryFn: async ({ signal }) => {
      const path = { kind, name };
      const asked = api.GET('/api/v1/documents/{kind}/{name}/versions', {
        params: { path },
        signal,
      });
      return (await read(asked)).items;
    },
  });
