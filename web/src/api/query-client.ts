// How queries behave: see web/README.md for how to write one.
import { QueryClient } from '@tanstack/svelte-query';

import { connection } from './connection.svelte';
import { LostError } from './problem';

/** One cache for the whole page. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A lost connection is noticed in one place, and everything is asked again when it is back.
      retry: false,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always', retry: false },
  },
});

connection.onBack(() => void queryClient.invalidateQueries());

/** Whether an error needs no message of its own, because the bar above says it. */
export function isSaidAbove(error: unknown): boolean {
  return error instanceof LostError;
}
