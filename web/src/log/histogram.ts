// The bars of the histogram: equal intervals, those without queries included.
import type { Schemas } from '../api/client';
import { count } from '../parts/format';
import { text } from '../strings';
import { barTime } from './words';

/** The outcomes, from the bottom of a bar to its top. */
export const OUTCOMES = ['answered', 'dropped', 'failed', 'refused', 'blocked'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** One interval; times are milliseconds of Unix time. */
export interface Bar {
  begin: number;
  end: number;
  total: number;
  counts: Partial<Record<string, number>>;
}

const MAX_BARS = 500;

/** All bars of an answer of the API. */
export function barsOf(found: Schemas['Histogram']): Bar[] {
  const step = found.step_seconds * 1000;
  const begin = Math.floor(Date.parse(found.since) / step) * step;
  const end = Date.parse(found.until);
  const known = new Map(found.items.map((one) => [Date.parse(one.time), one.by_outcome]));
  const bars: Bar[] = [];
  for (let at = begin; at < end && bars.length < MAX_BARS; at += step) {
    const counts = known.get(at) ?? {};
    const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
    bars.push({ begin: at, end: at + step, total, counts });
  }
  return bars;
}

/** A part of a bar, in shares of the height: where it begins from the bottom, and how high it is. */
export interface Part {
  outcome: Outcome;
  from: number;
  height: number;
}

/** The parts of a bar, where `highest` fills the height. What is there is seen. */
export function partsOf(bar: Bar, highest: number): Part[] {
  let from = 0;
  return OUTCOMES.flatMap((outcome) => {
    const value = bar.counts[outcome] ?? 0;
    if (value === 0 || highest === 0) return [];
    const height = Math.max(value / highest, 0.02);
    const part = { outcome, from, height };
    from += height;
    return [part];
  });
}

/** The span of the bars from one to another, both included, for an address. */
export function spanOf(bars: readonly Bar[], a: number, b: number) {
  const [first, last] = [bars[Math.min(a, b)], bars[Math.max(a, b)]];
  if (!first || !last) return undefined;
  return { since: new Date(first.begin).toISOString(), until: new Date(last.end).toISOString() };
}

/** A time below the bars, and where it stands: a share of their width. */
export interface Mark {
  at: number;
  place: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// What people count by, in milliseconds.
const ROUND = [
  ...[1, 5, 10, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 91, 365].map((days) => days * DAY),
];

/** Round times of the person's zone, at most `most` of them. */
export function marksOf(bars: readonly Bar[], most: number): Mark[] {
  const [begin, end] = [bars[0]?.begin ?? 0, bars.at(-1)?.end ?? 0];
  const step = ROUND.find((one) => Math.floor((end - begin) / one) <= most);
  if (step === undefined || end <= begin) return [];
  const zone = new Date(begin).getTimezoneOffset() * MINUTE;
  const marks: Mark[] = [];
  for (let at = Math.ceil((begin - zone) / step) * step + zone; at <= end; at += step)
    marks.push({ at, place: (at - begin) / (end - begin) });
  return marks;
}

/** Whether the bars cover more than a day. */
export const isLong = (bars: readonly Bar[]): boolean =>
  (bars.at(-1)?.end ?? 0) - (bars[0]?.begin ?? 0) > 86_400_000;

/** Some bars in words: their span, and how many queries of each outcome they have. */
export function saidOf(bars: readonly Bar[], withDay: boolean): string {
  const [first, last] = [bars[0], bars.at(-1)];
  if (!first || !last) return '';
  const list = OUTCOMES.map((outcome) => ({
    outcome,
    sum: bars.reduce((sum, bar) => sum + (bar.counts[outcome] ?? 0), 0),
  }))
    .filter((one) => one.sum > 0)
    .map((one) => `${count(one.sum)} ${one.outcome}`)
    .join(', ');
  return text.log.histogram.bar(barTime(first.begin, withDay), barTime(last.end, withDay), list);
}
