// Moving traffic: how fast and how close dots are on each line, and where they are at a moment.
import type { Route } from './route';

/** The verdicts, in the order in which dots take their colors. */
export const VERDICTS = ['answered', 'blocked', 'refused', 'failed', 'dropped'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What flows along a line. */
export interface Flow {
  route: Route;
  /** Queries per second. */
  rate: number;
  /** Queries by verdict. */
  verdicts: Partial<Record<Verdict, number>>;
}

/** Dots of the whole picture; more cost time and tell nothing. */
export const MAX_DOTS = 900;
const SLOWEST = 36;
const CLOSEST = 22;
/** So that neighbors do not repeat a pattern (the fractional part of the golden ratio). */
const GOLDEN = 0.618034;

/** Pixels per second: ten times the rate is a step, not ten times the speed. */
export function speedOf(rate: number): number {
  return SLOWEST + 34 * Math.log10(1 + 10 * Math.max(0, rate));
}

/** Dots on a line of this length. */
export function dotsOf(rate: number, length: number): number {
  if (rate <= 0) return 0;
  const wanted = Math.round((length / 160) * (1 + 1.6 * Math.log2(1 + 4 * rate)));
  return Math.max(1, Math.min(wanted, Math.floor(length / CLOSEST)));
}

/** The share of dots that all lines may have, so that there are not too many. */
export function thinning(flows: readonly Flow[]): number {
  const all = flows.reduce((sum, one) => sum + dotsOf(one.rate, one.route.length), 0);
  return Math.min(1, MAX_DOTS / Math.max(1, all));
}

/** The verdict of the nth dot: in the long run each has its share. */
export function verdictOf(flow: Flow, number: number): Verdict {
  const total = VERDICTS.reduce((sum, one) => sum + (flow.verdicts[one] ?? 0), 0);
  let rest = ((number * GOLDEN) % 1) * total;
  for (const one of VERDICTS) {
    rest -= flow.verdicts[one] ?? 0;
    if (rest < 0) return one;
  }
  return 'answered';
}

/** Calls `draw` with each dot of a line. `run` is how far the line has moved, in pixels. */
export function eachDot(
  flow: Flow,
  run: number,
  share: number,
  draw: (x: number, y: number, verdict: Verdict) => void,
): void {
  const { points, length } = flow.route;
  const count = Math.ceil(dotsOf(flow.rate, length) * share);
  if (count === 0 || length <= 0) return;
  const spacing = length / count;
  const last = points.length / 2 - 1;
  const passed = Math.floor(run / spacing);
  for (let at = 0; at < count; at += 1) {
    const distance = (run % spacing) + at * spacing;
    const index = (distance / length) * last;
    const low = Math.min(Math.floor(index), last - 1);
    const part = index - low;
    const [ax = 0, ay = 0, bx = 0, by = 0] = [
      points[low * 2],
      points[low * 2 + 1],
      points[low * 2 + 2],
      points[low * 2 + 3],
    ];
    draw(ax + (bx - ax) * part, ay + (by - ay) * part, verdictOf(flow, passed - at + count));
  }
}
