// The time range of a page, as it is in the address: `range=24h`, or `since` and `until`.
import { text } from '../strings';
import { fullTime } from './format';

const SECONDS = {
  '1m': 60,
  '15m': 900,
  '1h': 3_600,
  '24h': 86_400,
  '7d': 604_800,
  '30d': 2_592_000,
} as const;

/** A range that moves with the clock. */
export type Last = keyof typeof SECONDS;
/** All of them, the shortest first. */
export const LASTS = Object.keys(SECONDS) as Last[];

/** Exactly one of both forms; ISO 8601 times. */
export type Range = { last: Last } | { since: string; until: string };

/** The parameters of an address that say a range. */
export const RANGE = ['range', 'since', 'until'] as const;

/** The range where an address has none: the same on all pages, so that their numbers are the same. */
export const USUAL: Last = '1h';

/** What is in the address; the usual one where there is nothing, or nothing that is valid. */
export function readRange(found: { range?: string; since?: string; until?: string }): Range {
  const { range, since, until } = found;
  if (since && until && Date.parse(since) < Date.parse(until)) return { since, until };
  const last = LASTS.find((one) => one === range);
  return { last: last ?? USUAL };
}

/** The parameters of the address for a range: give them to `router.set` or `link`. */
export function rangeSearch(range: Range): { range?: string; since?: string; until?: string } {
  return 'last' in range
    ? { range: range.last, since: undefined, until: undefined }
    : { range: undefined, ...range };
}

/** The times of a range now, for the API. Call it when asking: a moving range moves. */
export function timesOf(range: Range, now = Date.now()): { since: string; until?: string } {
  if ('since' in range) return range;
  return { since: new Date(now - SECONDS[range.last] * 1000).toISOString() };
}

/** The length of a range in seconds. */
export function secondsOf(range: Range): number {
  if ('last' in range) return SECONDS[range.last];
  return (Date.parse(range.until) - Date.parse(range.since)) / 1000;
}

/** A range in words. */
export function rangeWords(range: Range): string {
  if ('last' in range) return text.parts.range.last[range.last];
  return text.parts.range.between(fullTime(range.since), fullTime(range.until));
}
