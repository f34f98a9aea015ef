import { describe, expect, it } from 'vitest';

import { columnsOf } from '../../src/graph/columns';
import { lockPlaces } from '../../src/graph/lock-places';
import { orderOf } from '../../src/graph/order';
import { extended } from '../../src/graph/order-task';
import { place } from '../../src/graph/place';
import { routesOf } from '../../src/graph/route';
import { sceneOf } from '../../src/graph/scene';
import type { Graph, Rect, Scene } from '../../src/graph/types';
import { first, step } from '../../src/graph/walk';
import { chain, edge, node, open, there } from './made';

function laid(given: Graph, order?: readonly string[], tops?: readonly number[]) {
  const scene = sceneOf(given, new Set(), new Map(), String);
  const columns = columnsOf(scene.nodes, scene.links);
  const ids = order ? extended(order, [...columns.keys()]) : ordered(scene, columns);
  const places = place(scene, columns, ids, { tops });
  const routes = new Map(routesOf(scene.links, places).map((one) => [one.id, one]));
  return { scene, places, routes, ids };
}

function ordered(scene: Scene, columns: Map<string, number>): string[] {
  const nodes = scene.nodes.map((one) => ({
    id: one.id,
    group: one.group,
    column: columns.get(one.id) ?? 0,
  }));
  return orderOf({ nodes, links: scene.links.map(({ source, target }) => ({ source, target })) });
}

const within = (x: number, y: number, rect: Rect): boolean =>
  x > rect.x && x < rect.x + rect.width && y > rect.y && y < rect.y + rect.height;

const touching = (a: Rect, b: Rect): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** A chain in which one client asks the forwarder past the resolver, too. */
function passing(): Graph {
  const given = chain(6);
  const line = edge('c3', 'f', 'asks', { lock: open('network_only', 60) });
  return { ...given, edges: [...given.edges, line] };
}

describe('places', () => {
  it('do not overlap, and nodes lie in the box of their group', () => {
    const { scene, places } = laid(chain(20));
    const rects = [...places.nodes.values()];
    rects.forEach((one, at) => {
      for (const other of rects.slice(at + 1)) expect(touching(one, other)).toBe(false);
    });
    for (const one of scene.nodes.filter((given) => given.group.startsWith('namespace:'))) {
      const box = places.boxes.find((given) => given.id === one.group);
      const rect = places.nodes.get(one.id) as Rect;
      expect(within(rect.x + 1, rect.y + 1, box as Rect)).toBe(true);
    }
  });

  it('stay when a client comes: only what is below it in its column moves', () => {
    const before = laid(chain(6));
    const given = chain(6);
    const fresh = node('new', { group: 'namespace:n1' });
    const more = {
      ...given,
      nodes: [...given.nodes, fresh],
      edges: [...given.edges, edge('new', 'r')],
    };
    const tops = before.places.columns.map((one) => one.top);
    const after = laid(more, before.ids, tops);
    const box = before.places.boxes.find((one) => one.id === 'namespace:n1') as Rect;
    for (const [id, rect] of before.places.nodes) {
      const now = after.places.nodes.get(id) as Rect;
      expect(now.x).toBe(rect.x);
      const isBelow = rect.x < box.x + box.width && rect.y > box.y + box.height;
      if (!isBelow && id !== 'r') expect(now.y).toBe(rect.y);
    }
  });
});

describe('lines', () => {
  function throughNodes({ scene, places, routes }: ReturnType<typeof laid>): string[] {
    const found: string[] = [];
    for (const { id, source, target } of scene.links) {
      const points = routes.get(id)?.points ?? [];
      for (let at = 0; at < points.length; at += 2) {
        for (const [other, rect] of places.nodes) {
          if (other === source || other === target) continue;
          if (within(points[at] ?? 0, points[at + 1] ?? 0, rect)) found.push(`${id} in ${other}`);
        }
      }
    }
    return [...new Set(found)];
  }

  it('go through no node, also where one passes a column', () => {
    expect(throughNodes(laid(chain(20)))).toEqual([]);
    expect(throughNodes(laid(passing()))).toEqual([]);
  });

  it('begin and end at their nodes, and their points are at equal distances', () => {
    const { scene, places, routes } = laid(passing());
    for (const link of scene.links) {
      const route = there(routes.get(link.id));
      const from = places.nodes.get(link.source) as Rect;
      const to = places.nodes.get(link.target) as Rect;
      expect(route.points[0]).toBe(from.x + from.width);
      expect(route.points.at(-2)).toBe(to.x);
      for (let at = 2; at < route.points.length - 2; at += 2) {
        const [ax, ay, bx, by] = route.points.slice(at - 2, at + 2) as unknown as number[];
        expect(Math.hypot(there(bx) - there(ax), there(by) - there(ay))).toBeLessThanOrEqual(6.01);
      }
    }
  });
});

describe('locks', () => {
  it('are one for each line, none over another, and none over a node', () => {
    const { scene, places, routes } = laid(passing());
    const locks = lockPlaces(scene.links, routes, (one) => (one.lock.closed ? '' : 'network only'));
    expect(locks.map((one) => one.id).sort()).toEqual(scene.links.map((one) => one.id).sort());
    const rects = locks.map((one) => ({
      x: one.left,
      y: one.y - 11,
      width: one.right - one.left,
      height: 22,
    }));
    rects.forEach((one, at) => {
      for (const other of rects.slice(at + 1)) expect(touching(one, other)).toBe(false);
      for (const rect of places.nodes.values()) expect(touching(one, rect)).toBe(false);
    });
  });
});

describe('a walk by keyboard', () => {
  const { scene, places, routes } = laid(passing());
  const go = (at: ReturnType<typeof first>, ...ways: ('left' | 'right' | 'up' | 'down')[]) =>
    ways.reduce((spot, way) => step(there(spot), way, scene, places, routes), at);

  it('goes from a client over its lines to the upstream and back', () => {
    const start = { kind: 'node', id: 'c0' } as const;
    const there = go(start, 'right', 'right', 'right', 'right', 'right', 'right');
    expect(there).toEqual({ kind: 'node', id: 'u' });
    expect(go(there, 'right')).toEqual(there);
    expect(go(there, 'left')).toEqual({ kind: 'link', id: 'f>u:forwards' });
  });

  it('reaches each node of a column and each line beside it', () => {
    const begin = there(first(scene, places));
    const clients = scene.nodes.filter((one) => one.id.startsWith('c')).length;
    const nodes = new Set([begin.id]);
    let spot = begin;
    for (let at = 0; at < clients; at += 1)
      nodes.add((spot = step(spot, 'down', scene, places, routes)).id);
    expect(nodes.size).toBe(clients);
    const lines = new Set<string>();
    spot = there(go({ kind: 'node', id: begin.id }, 'right'));
    for (let at = 0; at < 12; at += 1) spot = step(spot, 'up', scene, places, routes);
    for (let at = 0; at < 12; at += 1) {
      lines.add(spot.id);
      spot = step(spot, 'down', scene, places, routes);
    }
    const asks = scene.links.filter((one) => one.id.startsWith('c')).map((one) => one.id);
    expect([...lines].sort()).toEqual(asks.sort());
  });
});
