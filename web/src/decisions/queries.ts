// The decisions in force, and their end.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';

export type Decision = Schemas['Decision'];

const SOMETIMES_MS = 10_000;

/** All decisions in force, newest first. */
export const decisionsQuery = () =>
  queryOptions({
    queryKey: ['decisions'],
    queryFn: async ({ signal }) => (await read(api.GET('/api/v1/decisions', { signal }))).items,
    refetchInterval: SOMETIMES_MS,
  });

/** Ends a decision now. */
export async function remove({ number }: Decision): Promise<void> {
  await read(api.DELETE('/api/v1/decisions/{number}', { params: { path: { number } } }));
}
