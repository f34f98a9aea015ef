// Where the locks are: beside clients and upstreams, where lines do not cross, and in the middle
// between engines. One that has no room moves along its line.
import type { Route } from './route';
import { isNames } from './links';
import { pointAt } from './route';
import type { Link, Point } from './types';

export interface LockPlace extends Point {
  id: string;
  /** Which part of the lock is at this point. */
  align: 'start' | 'center' | 'end';
  /** What it covers, so that nothing is drawn through it. */
  left: number;
  right: number;
}

type Choice = Omit<LockPlace, 'id'>;

const HEIGHT = 24;
const CLOSED = 26;
const LETTER = 7;
const MARGIN = 14;

/** `words` are beside an open lock; `scale` is how much larger locks are than at a zoom of 1. */
export function lockPlaces(
  links: readonly Link[],
  routes: ReadonlyMap<string, Route>,
  words: (link: Link) => string,
  scale = 1,
): LockPlace[] {
  const found: LockPlace[] = [];
  const height = HEIGHT * scale;
  const isFree = (one: Choice) => !found.some((other) => covers(one, other, height));
  const late: { id: string; choices: Choice[] }[] = [];
  for (const link of links) {
    const route = routes.get(link.id);
    // The closed lock of names would be one more on each line, and say nothing new.
    if (!route || (isNames(link) && link.lock.closed)) continue;
    const text = words(link);
    const width = (text ? CLOSED + 12 + text.length * LETTER : CLOSED) * scale;
    const choices = candidates(route, width);
    const best = choices[0];
    if (best && isFree(best)) found.push({ ...best, id: link.id });
    else late.push({ id: link.id, choices });
  }
  // Those without their best place take none from another.
  for (const { id, choices } of late) {
    const chosen = choices.find(isFree) ?? choices[0];
    if (chosen) found.push({ ...chosen, id });
  }
  return found;
}

function candidates(route: Route, width: number): Choice[] {
  const first = route.levels[0];
  const last = route.levels.at(-1);
  const found: Choice[] = [];
  const start = (x: number, y: number) =>
    found.push({ x, y, align: 'start', left: x, right: x + width });
  const end = (x: number, y: number) =>
    found.push({ x, y, align: 'end', left: x - width, right: x });
  // The first level of a client is long; that of an engine is a stub.
  if (first && first.to - first.from > 60) {
    for (let x = first.from + MARGIN + 12; x < first.to; x += 28) start(x, first.y);
  }
  if (last && last.to - last.from > 40) {
    for (let x = last.to - MARGIN - 12; x > last.from; x -= 28) end(x, last.y);
  }
  for (const share of [0.5, 0.4, 0.6, 0.3, 0.7]) {
    const { x, y } = pointAt(route, route.length * share);
    found.push({ x, y, align: 'center', left: x - width / 2, right: x + width / 2 });
  }
  return found;
}

function covers(a: Choice, b: LockPlace, height: number): boolean {
  return Math.abs(a.y - b.y) < height && a.left < b.right + 2 && b.left < a.right + 2;
}
