// Words for people about nodes, lines and rates.
import { count, rate, share } from '../parts/format';
import { text } from '../strings';
import type { Link, Lock, Shown } from './types';

const words = text.graph;

/** A rate in the largest unit in which it is not nothing. */
export function rateWords(perSecond: number): string {
  if (perSecond === 0 || perSecond >= 0.1) return words.perSecond(rate(perSecond));
  if (perSecond * 60 >= 0.1) return words.perMinute(rate(perSecond * 60));
  return words.perHour(rate(perSecond * 3600));
}

/** What the reason of an open lock is called: as in the reference, with spaces. */
export const reasonWords = (reason: string): string => reason.replaceAll('_', ' ');

/** The share and the main reason of an open lock; nothing for a closed one. */
export function lockWords(lock: Lock, queries: number): string {
  const [main] = lock.reasons;
  return lock.closed || !main ? '' : partWords(main, queries);
}

/** All reasons of a lock, as one sentence. */
export function lockSentence(lock: Lock, queries: number): string {
  if (lock.closed) return words.lockClosed;
  if (lock.state === 'unknown') return words.lockUnknown;
  return words.lockOpen(lock.reasons.map((one) => partWords(one, queries)).join(', '));
}

function partWords(one: Lock['reasons'][number], queries: number): string {
  const part = queries > 0 ? Math.min(1, one.queries / queries) : 1;
  return part === 1 ? reasonWords(one.reason) : `${share(part)} ${reasonWords(one.reason)}`;
}

/** The label of a node; what its box and its kind say already is left out. */
export const shortLabel = (node: Shown): string => node.label.replace(/ \(claimed\)$/, '');

/** What a reader of screens says of a node. */
export function nodeSentence(node: Shown, perSecond: number): string {
  const kind = words.kinds[node.kind] ?? node.kind;
  const quiet = node.isQuiet ? [words.isQuiet] : [];
  // As it is seen, so that who speaks to the page can say it (WCAG 2.5.3).
  const seen = `${shortLabel(node)} ${rateWords(perSecond)}`;
  return [seen, kind, ...quiet, lockSentence(node.lock, node.traffic.queries)].join(', ');
}

/** What a reader of screens says of a line. */
export function linkSentence(link: Link, labels: ReadonlyMap<string, string>): string {
  const verb = words.edges[link.main.kind] ?? link.main.kind;
  const ends = `${labels.get(link.source) ?? ''} ${verb} ${labels.get(link.target) ?? ''}`;
  const { queries, rate: perSecond } = link.main.traffic;
  const how = link.isQuiet
    ? words.isQuiet
    : `${words.queries(queries, count(queries))}, ${rateWords(perSecond)}`;
  return `${ends}, ${how}, ${lockSentence(link.lock, queries)}`;
}
