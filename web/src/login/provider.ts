// A login by the identity provider: where it begins, and what came of it.
const MARK = '#provider=';

export type ProviderFailure = 'refused' | 'unreachable';

/** Where the login begins; it comes back to this address of the page. */
export function loginAddress(): string {
  const to = location.pathname + location.search;
  return `/api/v1/oidc/login?to=${encodeURIComponent(to)}`;
}

/** Why the login failed, once; the address loses it. */
export function takeFailure(): ProviderFailure | undefined {
  if (!location.hash.startsWith(MARK)) return undefined;
  const word = location.hash.slice(MARK.length);
  history.replaceState(history.state, '', location.pathname + location.search);
  return word === 'refused' || word === 'unreachable' ? word : undefined;
}
