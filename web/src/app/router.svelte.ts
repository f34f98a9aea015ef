// The address of the page: a path, and what is searched for, so that every view can be shared.

import { mayLeave } from './leaving';

/** Parameters of an address; a value of undefined, null or '' leaves the parameter out. */
export type Search = Record<string, string | number | boolean | undefined | null>;

class Router {
  #url = $state.raw(new URL(location.href));

  constructor() {
    window.addEventListener('popstate', () => this.#back());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** The path, such as /log. */
  get path(): string {
    return this.#url.pathname;
  }

  /** The parameters of the address. */
  get params(): URLSearchParams {
    return this.#url.searchParams;
  }

  /** Goes to an address of the page; with `replace` the one before is not kept in the history. */
  go(to: string, { replace = false } = {}): void {
    const url = new URL(to, location.href);
    if (url.href === this.#url.href) return;
    if (placeOf(url) !== placeOf(this.#url) && !mayLeave()) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
    const isOther = url.pathname !== this.#url.pathname;
    this.#url = url;
    if (isOther && !replace) document.getElementById('main')?.scrollTo(0, 0);
  }

  /** Changes some parameters of the address and keeps all others. */
  set(search: Search, { replace = true } = {}): void {
    const params = new URLSearchParams(this.params);
    for (const [name, value] of Object.entries(search)) {
      if (isGiven(value)) params.set(name, String(value));
      else params.delete(name);
    }
    this.go(withParams(this.path, params), { replace });
  }

  /** The browser has gone back or on; where the person stays, its address follows. */
  #back(): void {
    const url = new URL(location.href);
    if (placeOf(url) === placeOf(this.#url) || mayLeave()) this.#url = url;
    else history.pushState(null, '', this.#url);
  }

  /** Links of the page need no request: any `<a href>` with a path of ours works. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const anchor = (event.target as Element).closest?.('a[href]');
    if (!(anchor instanceof HTMLAnchorElement)) return;
    if (anchor.target || anchor.hasAttribute('download')) return;
    const url = new URL(anchor.href);
    if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
    // A place on this page: the browser scrolls there and moves the focus.
    const isPlace =
      url.hash !== '' && url.pathname + url.search === location.pathname + location.search;
    if (isPlace) return;
    event.preventDefault();
    this.go(anchor.href);
  }
}

/** What is shown at an address: one document, or all of a kind. Its views and filters are the same place. */
const placeOf = ({ pathname, searchParams }: URL): string =>
  JSON.stringify([pathname, ...['name', 'new', 'add'].map((one) => searchParams.get(one))]);

/** The address. */
export const router = new Router();

/** An address of the page: `link('/log', { outcome: 'blocked' })`. */
export function link(path: string, search: Search = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (isGiven(value)) params.set(name, String(value));
  }
  return withParams(path, params);
}

/**
 * The parameters with these names, typed: `const wanted = $derived(readSearch(['name', 'outcome']))`.
 * A parameter that is not in the address is undefined.
 */
export function readSearch<Name extends string>(
  names: readonly Name[],
  params: URLSearchParams = router.params,
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = params.get(name);
    if (value) found[name] = value;
  }
  return found;
}

function isGiven(value: Search[string]): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false;
}

function withParams(path: string, params: URLSearchParams): string {
  const query = params.toString();
  return query ? `${path}?${query}` : path;
}
