// Filters that a person named: addresses of the log, kept in the browser.

/** A named address; `search` is what stands behind the question mark. */
export interface Saved {
  name: string;
  search: string;
}

const KEY = 'keyhole.log.saved';
const MAX_SAVED = 50;

/** All of them, by name. */
export function readSaved(): Saved[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    if (!Array.isArray(found)) return [];
    return (found as Partial<Saved>[])
      .filter((one) => typeof one?.name === 'string' && typeof one.search === 'string')
      .map((one) => ({ name: one.name ?? '', search: one.search ?? '' }));
  } catch {
    return [];
  }
}

/** Keeps one more, in the place of one with the same name. */
export function save(name: string, search: string): Saved[] {
  const others = readSaved().filter((one) => one.name !== name);
  return write([...others, { name, search }].slice(-MAX_SAVED));
}

/** Forgets one. */
export function forget(name: string): Saved[] {
  return write(readSaved().filter((one) => one.name !== name));
}

function write(all: Saved[]): Saved[] {
  const sorted = all.toSorted((a, b) => a.name.localeCompare(b.name));
  try {
    localStorage.setItem(KEY, JSON.stringify(sorted));
  } catch {
    // Private windows may refuse it.
  }
  return sorted;
}
