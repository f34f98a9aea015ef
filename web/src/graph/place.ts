// Where nodes and boxes stand. Pure: the same scene and order give the same places.
import { isEngine } from './columns';
import { grouped } from './group';
import { isNames } from './links';
import type { Rect, Scene, Shown } from './types';

/** Sizes and distances, in pixels at a zoom of 1. */
export const SIZES = {
  node: 192,
  domain: 212,
  engine: 150,
  roomy: 52,
  compact: 36,
  /** Added for a client with several lines, so that each lock has room. */
  more: 16,
  gap: 10,
  box: { side: 12, top: 34, bottom: 12, gap: 20 },
  /** Beside clients, for locks and their words. */
  locks: 124,
  /** Beside upstreams and domains: their locks are rarely open. */
  ends: 48,
  /** Where lines bend. */
  curve: 90,
  port: 13,
};
/** With more nodes in a column than this, they have one line each. */
const MAX_ROOMY = 10;

/** A box around the nodes of a group. */
export interface Box extends Rect {
  id: string;
  label: string;
  column: number;
}

/** A column: from where to where it goes, and where it began at first. */
export interface Column {
  left: number;
  right: number;
  top: number;
}

export interface Places {
  nodes: Map<string, Rect>;
  boxes: Box[];
  columns: Column[];
  columnOf: Map<string, number>;
  width: number;
  height: number;
}

/** `stretch` widens the distances; `tops` are where the columns began, so that they stay there. */
export interface PlaceOptions {
  stretch?: number;
  tops?: readonly number[];
}

export function place(
  scene: Scene,
  columnOf: Map<string, number>,
  order: readonly string[],
  options: PlaceOptions = {},
): Places {
  const rank = new Map(order.map((id, at) => [id, at]));
  const count = 1 + Math.max(-1, ...columnOf.values());
  const byColumn = Array.from({ length: count }, (_, column) =>
    scene.nodes
      .filter((one) => columnOf.get(one.id) === column)
      .sort((a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0)),
  );
  const found: Places = {
    nodes: new Map(),
    boxes: [],
    columns: [],
    columnOf,
    width: 0,
    height: 0,
  };
  const stacks = byColumn.map((nodes) => stacked(nodes, scene));
  const height = Math.max(0, ...stacks.map((one) => one.height));
  stacks.forEach((stack, at) => {
    const before = found.columns[at - 1];
    const left = before ? before.right + distance(byColumn, at, options.stretch ?? 1) : 0;
    const top = options.tops?.[at] ?? (height - stack.height) / 2;
    for (const [id, rect] of stack.nodes) {
      found.nodes.set(id, { ...rect, x: left + rect.x, y: top + rect.y });
    }
    for (const box of stack.boxes) {
      found.boxes.push({ ...box, x: left, y: top + box.y, column: at });
    }
    found.columns.push({ left, right: left + stack.width, top });
    found.width = left + stack.width;
    found.height = Math.max(found.height, top + stack.height);
  });
  return found;
}

/** From the column before to this one. */
function distance(columns: readonly Shown[][], at: number, stretch: number): number {
  const before = columns[at - 1] ?? [];
  const here = columns[at] ?? [];
  const beside = at === 1 && !before.some(isEngine) ? SIZES.locks : 0;
  const ends = here.some(isEngine) ? 0 : SIZES.ends;
  return (SIZES.curve + beside + ends) * stretch;
}

interface Stack {
  nodes: Map<string, Rect>;
  boxes: Omit<Box, 'column'>[];
  width: number;
  height: number;
}

function stacked(nodes: readonly Shown[], scene: Scene): Stack {
  const isBoxed = !nodes.some(isEngine);
  return isBoxed ? boxed(nodes, scene) : engines(nodes, scene);
}

function engines(nodes: readonly Shown[], scene: Scene): Stack {
  const found = new Map<string, Rect>();
  let y = 0;
  for (const one of nodes) {
    const ends = Math.max(
      scene.links.filter((link) => link.target === one.id).length,
      scene.links.filter((link) => link.source === one.id && !isNames(link)).length,
    );
    const height = Math.min(320, Math.max(88, 32 + ends * SIZES.port));
    found.set(one.id, { x: 0, y, width: SIZES.engine, height });
    y += height + 48;
  }
  return { nodes: found, boxes: [], width: SIZES.engine, height: Math.max(0, y - 48) };
}

function boxed(nodes: readonly Shown[], scene: Scene): Stack {
  const labels = new Map(scene.groups.map((one) => [one.id, one.label]));
  const { box, gap } = SIZES;
  const size = nodes.length > MAX_ROOMY ? SIZES.compact : SIZES.roomy;
  const found = new Map<string, Rect>();
  const boxes: Omit<Box, 'column'>[] = [];
  const inner = nodes.some((one) => one.group === 'domains') ? SIZES.domain : SIZES.node;
  const width = inner + 2 * box.side;
  let y = 0;
  for (const [group, members] of grouped(nodes, (one) => one.group)) {
    const top = y;
    y += box.top;
    for (const one of members) {
      const ends = scene.links.filter((link) => link.source === one.id).length;
      const height = size + (ends > 1 ? SIZES.more : 0);
      found.set(one.id, { x: box.side, y, width: inner, height });
      y += height + gap;
    }
    y += box.bottom - gap;
    boxes.push({
      id: group,
      label: labels.get(group) ?? group,
      x: 0,
      y: top,
      width,
      height: y - top,
    });
    y += box.gap;
  }
  return { nodes: found, boxes, width, height: Math.max(0, y - box.gap) };
}
