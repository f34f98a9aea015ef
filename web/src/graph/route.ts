// The way of each line: straight beside nodes, where its lock is, and bent between columns. A line
// that passes a column goes above everything in it, never through a node.
import { isNames } from './links';
import { SIZES, type Places } from './place';
import type { Link, Point, Rect } from './types';

/** A straight part of a line, from left to right. */
interface Level {
  from: number;
  to: number;
  y: number;
}

export interface Route {
  id: string;
  /** For SVG. */
  path: string;
  /** Points at equal distances, for what moves along it: x and y in turns. */
  points: Float32Array;
  /** In pixels. */
  length: number;
  levels: Level[];
}

const STEP = 6;
const LANE = 14;
const STUB = 12;

export function routesOf(links: readonly Link[], places: Places): Route[] {
  const starts = ports(links, places, 'source');
  const ends = ports(links, places, 'target');
  const lanes = new Map<string, number>();
  const found: Route[] = [];
  for (const link of links) {
    const start = starts.get(link.id);
    const end = ends.get(link.id);
    if (!start || !end) continue;
    const from = places.columnOf.get(link.source) ?? 0;
    const to = places.columnOf.get(link.target) ?? 0;
    const levels = [departure(start, from, places)];
    for (let column = from + 1; column < to; column += 1) {
      levels.push(lane(link, column, places, lanes));
    }
    levels.push(arrival(end, to, places));
    found.push(routeOf(link.id, levels));
  }
  return found;
}

function departure(start: Point, column: number, places: Places): Level {
  const right = places.columns[column]?.right ?? start.x;
  return { from: start.x, to: right + (column === 0 ? SIZES.locks : STUB), y: start.y };
}

function arrival(end: Point, column: number, places: Places): Level {
  const left = places.columns[column]?.left ?? end.x;
  // Beside a box there is room for locks; beside an engine lines come together.
  const isBoxed = left < end.x;
  return { from: left - (isBoxed ? SIZES.ends : STUB), to: end.x, y: end.y };
}

/** Above a column; what has the same end takes the same lane. */
function lane(link: Link, column: number, places: Places, lanes: Map<string, number>): Level {
  const bundle = isNames(link) ? link.source : link.target;
  const key = `${column}:${bundle}`;
  const count = [...lanes.keys()].filter((one) => one.startsWith(`${column}:`)).length;
  const number = lanes.get(key) ?? count;
  lanes.set(key, number);
  const { left = 0, right = 0, top = 0 } = places.columns[column] ?? {};
  return { from: left - STUB, to: right + STUB, y: top - LANE * (number + 2) };
}

/** Where lines touch a node: spread over its side in the order of the other ends. */
function ports(
  links: readonly Link[],
  places: Places,
  side: 'source' | 'target',
): Map<string, Point> {
  const other = side === 'source' ? 'target' : 'source';
  const middle = (rect: Rect | undefined) => (rect ? rect.y + rect.height / 2 : 0);
  const byNode = new Map<string, Link[]>();
  for (const link of links) byNode.set(link[side], [...(byNode.get(link[side]) ?? []), link]);
  const found = new Map<string, Point>();
  for (const [id, ones] of byNode) {
    const rect = places.nodes.get(id);
    if (!rect) continue;
    // All names of an engine leave it in one place, and above all others.
    const names = side === 'source' ? ones.filter(isNames) : [];
    for (const link of names) found.set(link.id, { x: rect.x + rect.width, y: rect.y + 16 });
    const sorted = ones
      .filter((one) => !names.includes(one))
      .sort(
        (a, b) =>
          middle(places.nodes.get(a[other])) - middle(places.nodes.get(b[other])) ||
          (a.id < b.id ? -1 : 1),
      );
    // Beside a client each line has a lock of its own; at an engine many come together.
    const isWide = isClientLike(rect);
    const room = rect.height - (isWide ? 20 : 32);
    const most = isWide ? 3 * SIZES.port : SIZES.port;
    const gap = sorted.length > 1 ? Math.min(most, room / (sorted.length - 1)) : 0;
    sorted.forEach((link, at) => {
      const y = middle(rect) + (at - (sorted.length - 1) / 2) * gap;
      found.set(link.id, { x: side === 'source' ? rect.x + rect.width : rect.x, y });
    });
  }
  return found;
}

/** Whether a node is as low as those of clients; engines are higher. */
const isClientLike = (rect: Rect): boolean => rect.height <= SIZES.roomy + SIZES.more;

function routeOf(id: string, levels: Level[]): Route {
  const parts: string[] = [];
  const raw: number[] = [];
  levels.forEach((level, at) => {
    const before = levels[at - 1];
    if (before) {
      const bend = Math.max(30, Math.abs(level.from - before.to) / 2);
      const c = [before.to, before.y, before.to + bend, before.y, level.from - bend, level.y];
      parts.push(`C${c.slice(2).map(round).join(' ')} ${round(level.from)} ${round(level.y)}`);
      sample([...c, level.from, level.y], raw);
    } else {
      parts.push(`M${round(level.from)} ${round(level.y)}`);
      raw.push(level.from, level.y);
    }
    parts.push(`H${round(level.to)}`);
    raw.push(level.to, level.y);
  });
  return { id, path: parts.join(''), levels, ...evenly(raw) };
}

/** Adds points of a cubic curve, of which eight numbers are given. */
function sample(c: number[], raw: number[]): void {
  const [x0, y0, x1, y1, x2, y2, x3, y3] = c as [
    number, number, number, number, number, number, number, number,
  ]; // prettier-ignore
  for (let t = 1 / 24; t < 1.0001; t += 1 / 24) {
    const [a, b, d, e] = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
    raw.push(a * x0 + b * x1 + d * x2 + e * x3, a * y0 + b * y1 + d * y2 + e * y3);
  }
}

/** The same line by points at equal distances. */
export function evenly(raw: readonly number[]): { points: Float32Array; length: number } {
  const found: number[] = [raw[0] ?? 0, raw[1] ?? 0];
  let length = 0;
  let next = STEP;
  for (let at = 2; at < raw.length; at += 2) {
    const [ax, ay, bx, by] = [raw[at - 2], raw[at - 1], raw[at], raw[at + 1]] as [
      number, number, number, number,
    ]; // prettier-ignore
    const part = Math.hypot(bx - ax, by - ay);
    while (part > 0 && next <= length + part) {
      const share = (next - length) / part;
      found.push(ax + (bx - ax) * share, ay + (by - ay) * share);
      next += STEP;
    }
    length += part;
  }
  found.push(raw.at(-2) ?? 0, raw.at(-1) ?? 0);
  return { points: Float32Array.from(found), length };
}

/** A point at a distance from the start. */
export function pointAt({ points, length }: Route, distance: number): Point {
  const at = Math.min(Math.max(distance, 0), length) / STEP;
  const low = Math.min(Math.floor(at), points.length / 2 - 2);
  const share = Math.min(1, at - low);
  const [ax = 0, ay = 0, bx = ax, by = ay] = points.subarray(low * 2, low * 2 + 4);
  return { x: ax + (bx - ax) * share, y: ay + (by - ay) * share };
}

const round = (value: number): string => String(Math.round(value * 10) / 10);
