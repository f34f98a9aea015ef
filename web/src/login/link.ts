// A one-time link has its secret behind the #, which browsers send to no server.
const MARK = '#link=';

/** The secret of the link in the address; the address and the history of the tab lose it. */
export function takeLink(): string | undefined {
  if (!location.hash.startsWith(MARK)) return undefined;
  const secret = location.hash.slice(MARK.length);
  history.replaceState(history.state, '', location.pathname + location.search);
  return secret || undefined;
}
