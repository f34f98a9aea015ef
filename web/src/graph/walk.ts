// By keyboard: arrows go from a node to a line, and from the line to the node at its other end; up
// and down go through what stands in the same column.
import { isNames } from './links';
import type { Places } from './place';
import type { Route } from './route';
import type { Scene } from './types';

/** Where the focus is. */
export interface Spot {
  kind: 'node' | 'link';
  id: string;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** The next place in a direction; the same one where there is none. */
export function step(
  spot: Spot,
  direction: Direction,
  scene: Scene,
  places: Places,
  routes: ReadonlyMap<string, Route>,
): Spot {
  const found =
    spot.kind === 'node'
      ? fromNode(spot.id, direction, scene, places)
      : fromLink(spot.id, direction, scene, places, routes);
  return found ?? spot;
}

/** Where a walk begins: the first node of the first column. */
export function first(scene: Scene, places: Places): Spot | undefined {
  const id = scene.nodes
    .map((one) => one.id)
    .sort(
      (a, b) => columnAt(a, places) - columnAt(b, places) || top(a, places) - top(b, places),
    )[0];
  return id === undefined ? undefined : { kind: 'node', id };
}

function fromNode(
  id: string,
  direction: Direction,
  scene: Scene,
  places: Places,
): Spot | undefined {
  if (direction === 'up' || direction === 'down') {
    const column = scene.nodes
      .map((one) => one.id)
      .filter((one) => columnAt(one, places) === columnAt(id, places))
      .sort((a, b) => top(a, places) - top(b, places));
    const next = column[column.indexOf(id) + (direction === 'up' ? -1 : 1)];
    return next === undefined ? undefined : { kind: 'node', id: next };
  }
  const [here, there] =
    direction === 'right' ? (['source', 'target'] as const) : (['target', 'source'] as const);
  const link = scene.links
    .filter((one) => one[here] === id)
    .sort(
      (a, b) =>
        Number(isNames(a)) - Number(isNames(b)) || top(a[there], places) - top(b[there], places),
    )[0];
  if (!link) return undefined;
  // The locks of names are not shown while they are closed: the walk goes past them.
  return isNames(link) ? { kind: 'node', id: link[there] } : { kind: 'link', id: link.id };
}

function fromLink(
  id: string,
  direction: Direction,
  scene: Scene,
  places: Places,
  routes: ReadonlyMap<string, Route>,
): Spot | undefined {
  const link = scene.links.find((one) => one.id === id);
  if (!link) return undefined;
  if (direction === 'left') return { kind: 'node', id: link.source };
  if (direction === 'right') return { kind: 'node', id: link.target };
  const column = columnAt(link.source, places);
  const height = (one: string) => routes.get(one)?.levels[0]?.y ?? 0;
  const beside = scene.links
    .filter((one) => columnAt(one.source, places) === column && !isNames(one))
    .map((one) => one.id)
    .sort((a, b) => height(a) - height(b) || (a < b ? -1 : 1));
  const next = beside[beside.indexOf(id) + (direction === 'up' ? -1 : 1)];
  return next === undefined ? undefined : { kind: 'link', id: next };
}

const columnAt = (id: string, places: Places): number => places.columnOf.get(id) ?? 0;
const top = (id: string, places: Places): number => places.nodes.get(id)?.y ?? 0;
