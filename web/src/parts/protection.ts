// The filter of the log behind a share: what lacks the protection, as long as something does.

import type { Search } from '../app/router.svelte';

/** What may be missing. */
export type Missing = 'open' | 'unencrypted' | 'unauthenticated';

/** The parameters for the queries that a share leaves out; none where it leaves out nothing. */
export const lacking = (share: number | undefined, missing: Missing): { protection?: Missing } =>
  share !== undefined && share < 1 ? { protection: missing } : {};

/** The criteria for the queries that one reason of an open lock is about. */
export function openSearch(reason: string): Search {
  switch (reason) {
    case 'cleartext':
      return { protection: 'unencrypted' };
    case 'perhaps_http':
      return { protection: 'unencrypted', transport: 'doh' };
    case 'mesh':
      return { transport: 'mesh' };
    case 'network_only':
      return { proof: 'network' };
    case 'anonymous':
      return { proof: 'unknown' };
    case 'expired':
      return { proof: 'unproved' };
    default: // A client that was refused: its own reason is the word.
      return { proof: 'unproved', reason };
  }
}
