// The kinds of documents, and the page that shows each.
import { link } from '../app/router.svelte';

export type Kind =
  'Policy' | 'List' | 'Client' | 'Record' | 'Upstream' | 'TrustDomain' | 'LogExclusion';

/** The page of each kind; one document is at `?name=`, because a name may have dots. */
export const PAGES: Record<Kind, string> = {
  Policy: '/policies',
  List: '/lists',
  Client: '/clients',
  Record: '/records',
  Upstream: '/upstreams',
  TrustDomain: '/clients',
  LogExclusion: '/settings/unlogged',
};

/** A document that a sentence names: in a file, or stored by Keyhole itself. */
export interface Named {
  kind: Kind;
  name: string;
  /** File and line of a declared one. */
  file?: string;
  line?: string;
}

const KINDS = Object.keys(PAGES).join('|');
const NAME = '[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?';
// Not in a URL or a path. Lengths are bounded and a place begins a word, so no sentence is slow.
const DOCUMENT = new RegExp(
  `(?:(?<!\\S)(\\S{1,300}):(\\d{1,9}) )?(?<![\\w/.-])(${KINDS})/(${NAME})` +
    `(?: at (\\S{1,300}):(\\d{1,9}))?`,
  'g',
);

/** A sentence of the API in parts: texts, and the documents that it names by place, kind and name.
 * Where a stored document lies is nobody's concern: it is changed on the page. */
export function named(sentence: string): (string | Named)[] {
  const parts: (string | Named)[] = [];
  let from = 0;
  for (const found of sentence.matchAll(DOCUMENT)) {
    const [whole, before, beforeLine, kind, name = '', after, afterLine] = found;
    if (found.index > from) parts.push(sentence.slice(from, found.index));
    const [file, line] = before ? [before, beforeLine] : [after, afterLine];
    const isStored = !file || file.startsWith('stored/') || file === 'page' || file === name;
    parts.push({ kind: kind as Kind, name, ...(isStored ? {} : { file, line }) });
    from = found.index + whole.length;
  }
  if (from < sentence.length) parts.push(sentence.slice(from));
  return parts;
}

/** The page of a document. */
export const hrefOf = ({ kind, name }: Named): string | undefined =>
  kind === 'Client' || kind === 'TrustDomain' ? undefined : link(PAGES[kind], { name });
