// The end of certificates of upstreams.

/** Days before its end at which a certificate needs attention. */
export const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

/** Whether a certificate ends soon or has ended. */
export const endsSoon = (expires: string, now = Date.now()): boolean =>
  new Date(expires).getTime() - now < SOON_DAYS * DAY_MS;
