// What the page says of upstreams and of its own addresses.
import type { Schemas } from '../api/client';

type Upstream = Schemas['Status']['upstreams'][number];

/** How many upstreams work, as far as is known: a test says it, or answers that were no refusals. */
export const countWorking = (
  upstreams: Upstream[],
  tests: Record<string, Schemas['UpstreamTest']>,
): number =>
  upstreams.filter((one) => {
    const test = tests[one.name];
    // An upstream that was never asked counts as healthy, which says nothing.
    return test ? test.is_answered : one.is_healthy && one.answered > one.refused;
  }).length;

/** The names to try, each once, written as they are shown. */
export const namesToTry = (...names: string[]): string[] => [
  ...new Set(names.map((one) => one.trim().toLowerCase().replace(/\.$/, '')).filter(Boolean)),
];

/** Where a server can be asked. */
export interface Place {
  host: string;
  port: string;
}

const UNSPECIFIED = /^(?:\*|0\.0\.0\.0|[0:]*)$/;

/**
 * Where a listening address can be asked. Nobody can ask an unspecified address (RFC 6890, RFC
 * 4291): it stands for all addresses of this machine, and the page was reached by one of them.
 */
export function placeOf(address: string, pageHost: string): Place {
  const at = address.lastIndexOf(':');
  const plain = (host: string) => host.replace(/[[\]]/g, '');
  const host = plain(address.slice(0, at));
  return { host: UNSPECIFIED.test(host) ? plain(pageHost) : host, port: address.slice(at + 1) };
}

/** A place as one text. */
export const showPlace = ({ host, port }: Place): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
