// The past in steps: what each line and node did in one of them.
import { isEngine } from './columns';
import type { Folds } from './fold';
import type { Graph, Link, Scene, Shown } from './types';

/** Steps of a range, as a person can follow them. */
export const STEPS = 60;
/** The steps that people know, in seconds. */
const LENGTHS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400,
];

/** The length of a step for a range of so many seconds. */
export function stepFor(seconds: number): number {
  return LENGTHS.find((one) => seconds / one <= STEPS) ?? Math.ceil(seconds / STEPS);
}

/** Counts of a line or node in a step. */
export interface StepCounts {
  queries: number;
  errors: number;
  blocked: number;
  unprotected: number;
}

/** One step: its time in milliseconds, and counts of all and by ID of an edge, as the API has them. */
export interface Frame {
  start: number;
  end: number;
  total: StepCounts;
  edges: ReadonlyMap<string, StepCounts>;
}

const NONE: StepCounts = { queries: 0, errors: 0, blocked: 0, unprotected: 0 };

/** All steps of the span, also those in which nobody asked. */
export function framesOf(graph: Graph): Frame[] {
  if (!graph.step) return [];
  const [since, until] = [Date.parse(graph.since), Date.parse(graph.until)];
  const length = graph.step * 1000;
  const byStart = new Map(graph.intervals.map((one) => [Date.parse(one.time), one]));
  const frames: Frame[] = [];
  for (let start = since; start < until; start += length) {
    const given = byStart.get(start);
    const edges = new Map(Object.entries(given?.edges ?? {}));
    frames.push({
      start,
      end: Math.min(start + length, until),
      total: given?.total ?? NONE,
      edges,
    });
  }
  return frames;
}

/** Counts of a line, which may stand for several edges. */
export function ofLink(link: Link, frame: Frame, folds: Folds): StepCounts {
  const exact = frame.edges.get(link.main.id);
  if (exact) return exact;
  let found = NONE;
  for (const [id, counts] of frame.edges) {
    const parts = ends(id);
    if (!parts || parts.kind !== link.main.kind) continue;
    if ((folds.get(parts.source) ?? parts.source) !== link.source) continue;
    if ((folds.get(parts.target) ?? parts.target) !== link.target) continue;
    found = added(found, counts);
  }
  return found;
}

/** Counts of a node: of what it was asked, of a client what it asked. */
export function ofNode(
  node: Shown,
  scene: Scene,
  counts: ReadonlyMap<string, StepCounts>,
): StepCounts {
  const side = isEngine(node)
    ? 'target'
    : scene.links.some((one) => one.target === node.id)
      ? 'target'
      : 'source';
  return scene.links
    .filter((one) => one[side] === node.id && one.main.kind !== 'names')
    .map((one) => counts.get(one.id) ?? NONE)
    .reduce(added, NONE);
}

/** The parts of the ID of an edge; IDs of nodes may hold each of its signs but `>`. */
function ends(id: string): { source: string; target: string; kind: string } | undefined {
  const at = id.indexOf('>');
  const colon = id.lastIndexOf(':');
  if (at < 0 || colon < at) return undefined;
  return { source: id.slice(0, at), target: id.slice(at + 1, colon), kind: id.slice(colon + 1) };
}

function added(a: StepCounts, b: StepCounts): StepCounts {
  return {
    queries: a.queries + b.queries,
    errors: a.errors + b.errors,
    blocked: a.blocked + b.blocked,
    unprotected: a.unprotected + b.unprotected,
  };
}

/** The step that a replay begins with: the first in which anybody asked anything that is drawn. */
export const firstBusy = (frames: readonly Frame[]): number =>
  Math.max(
    0,
    frames.findIndex((one) => one.edges.size > 0),
  );
