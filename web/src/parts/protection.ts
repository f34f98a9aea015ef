// The filter of the log behind a share: what lacks the protection, as long as something does.

/** What may be missing. */
export type Missing = 'open' | 'unencrypted' | 'unauthenticated';

/** The parameters for the queries that a share leaves out; none where it leaves out nothing. */
export const lacking = (share: number | undefined, missing: Missing): { protection?: Missing } =>
  share !== undefined && share < 1 ? { protection: missing } : {};
