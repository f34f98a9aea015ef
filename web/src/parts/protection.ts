// The filter of the log behind a share: what lacks the protection, as long as something does.

/** What may be missing. */
export type Missing = 'open' | 'unencrypted' | 'unauthenticated';

/** The parameters for the queries that a share leaves out; none where it leaves out nothing. */
export const lacking = (share: number | undefined, missing: Missing): { protection?: Missing } =>
  share !== undefined && share < 1 ? { protection: missing } : {};

const UNENCRYPTED = ['cleartext', 'mesh', 'perhaps_http'];

/** The criterion for the queries that one reason of an open lock is about: what they lack. */
export const openSearch = (reason: string): { protection: Missing } => ({
  protection: UNENCRYPTED.includes(reason) ? 'unencrypted' : 'unauthenticated',
});
