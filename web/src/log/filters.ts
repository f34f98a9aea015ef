// What the log is filtered by: parameters of the address, of the API, and words of the search box.
import type { paths } from '../api/schema';
import { readSearch, type Search } from '../app/router.svelte';

/** The fields that can be filtered by, as the API names them. */
export const FIELDS = [
  'name',
  'below',
  'contains',
  'expression',
  'client',
  'client_kind',
  'address',
  'protection',
  'proof',
  'type',
  'outcome',
  'reason',
  'policy',
  'list',
  'rule',
  'upstream',
  'transport',
  'tls',
  'upstream_tls',
  'engine',
  'slower_than_ms',
] as const;
type Asked = NonNullable<paths['/api/v1/queries']['get']['parameters']['query']>;
/** The fields of which the API takes some words alone. */
type Chosen = Pick<Asked, 'client_kind' | 'protection' | 'proof' | 'tls' | 'upstream_tls'>;
export type Field = (typeof FIELDS)[number];
/** The value of each field; one that is left out matches everything. */
export type Filter = Partial<Record<Field, string>>;

/** The filter in an address. */
export function readFilter(params?: URLSearchParams): Filter {
  return readSearch(FIELDS, params);
}

/** The parameters of a filter for an address: fields that are not given are taken out. */
export function filterSearch(filter: Filter): Search {
  return Object.fromEntries(FIELDS.map((field) => [field, filter[field]]));
}

/** The same for the API, whose numbers are numbers. */
export function apiFilter(filter: Filter) {
  const {
    slower_than_ms: slower,
    client_kind,
    protection,
    proof,
    tls,
    upstream_tls,
    ...rest
  } = filter;
  const chosen = { client_kind, protection, proof, tls, upstream_tls };
  const wait = Number(slower);
  return {
    ...rest,
    ...(Object.fromEntries(Object.entries(chosen).filter(([, word]) => word)) as Chosen),
    ...(slower && Number.isInteger(wait) ? { slower_than_ms: wait } : {}),
  };
}

/** A filter as it is written in the search box: `outcome:blocked client:"a b" text`. */
export function writeFilter(filter: Filter): string {
  return FIELDS.filter((field) => filter[field])
    .map((field) => {
      const value = quote(filter[field] ?? '');
      return field === 'contains' ? value : `${field}:${value}`;
    })
    .join(' ');
}

/** What was written: the filter, and the words that are none with the reason. */
export interface Written {
  filter: Filter;
  wrong: string[];
}

/**
 * Reads the search box. A word without a field is a part of the name; a field that is written twice
 * has the last value.
 */
export function readWritten(text: string): Written {
  const filter: Filter = {};
  const wrong: string[] = [];
  const parts: string[] = [];
  for (const word of words(text)) {
    const at = word.text.indexOf(':');
    const field = at > 0 && !word.isQuoted ? word.text.slice(0, at).toLowerCase() : '';
    const value = word.text.slice(at + 1);
    if (isField(field)) {
      if (value) filter[field] = value;
      if (field === 'slower_than_ms' && !/^\d{1,6}$/.test(value)) wrong.push(word.text);
    } else if (field && !value.startsWith('//')) {
      wrong.push(word.text);
    } else {
      parts.push(word.text);
    }
  }
  if (parts.length > 0) filter.contains = parts.join(' ');
  return { filter, wrong };
}

/** Whether two filters are the same. */
export const isSame = (a: Filter, b: Filter): boolean =>
  FIELDS.every((field) => (a[field] ?? '') === (b[field] ?? ''));

const isField = (word: string): word is Field => (FIELDS as readonly string[]).includes(word);

function quote(value: string): string {
  if (!/[\s"]/.test(value) && value !== '') return value;
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Words, in which quotes keep spaces together: `client:"a b"` is one. */
function words(text: string): { text: string; isQuoted: boolean }[] {
  const found: { text: string; isQuoted: boolean }[] = [];
  for (const [whole, field = '', quoted, plain] of text.matchAll(
    /([a-z_]+:)?(?:"((?:[^"\\]|\\.)*)"?|(\S+))|[a-z_]+:(?=\s|$)/gi,
  )) {
    if (quoted !== undefined) {
      const value = quoted.replaceAll(/\\(.)/g, '$1');
      found.push({ text: field + value, isQuoted: !field });
    } else {
      found.push({ text: plain === undefined ? whole : field + plain, isQuoted: false });
    }
  }
  return found;
}
