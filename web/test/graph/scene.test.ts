import { describe, expect, it } from 'vitest';

import { columnsOf } from '../../src/graph/columns';
import { chooseFolds, MAX_SHOWN } from '../../src/graph/fold';
import { MAX_LINKS } from '../../src/graph/links';
import { remember } from '../../src/graph/remember';
import { sceneOf, shapeOf } from '../../src/graph/scene';
import { chain, edge, engine, graph, node, open, traffic, upstream, there } from './made';

const NONE = new Set<string>();
const label = (count: number, group: string) => `${count} others of ${group}`;
const whole = (given: ReturnType<typeof chain>) => sceneOf(given, NONE, new Map(), label);

describe('what the picture shows of a graph', () => {
  it('is one line for what two engines saw of the same queries, with the worse lock', () => {
    const given = chain(1);
    const seen = given.edges.find((one) => one.id === 'r>f:asks');
    there(seen).lock = open('cleartext', 3);
    const lines = whole(given).links.filter((one) => one.source === 'r');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.main.kind).toBe('forwards');
    expect(lines[0]?.seen?.kind).toBe('asks');
    expect(lines[0]?.lock).toMatchObject({ closed: false, reasons: [{ reason: 'cleartext' }] });
  });

  it('stands in columns in the order in which queries pass', () => {
    const scene = whole(chain(2));
    const columns = columnsOf(scene.nodes, scene.links);
    expect(Object.fromEntries(columns)).toEqual({ c0: 0, c1: 0, r: 1, f: 2, u: 3 });
  });

  it('stands in columns also where engines ask each other in a circle', () => {
    const scene = whole(
      graph(
        [node('c'), engine('a'), engine('b')],
        [edge('c', 'a'), edge('a', 'b', 'forwards'), edge('b', 'a', 'forwards')],
      ),
    );
    const columns = columnsOf(scene.nodes, scene.links);
    expect(columns.get('c')).toBe(0);
    expect(columns.get('a')).not.toBe(columns.get('b'));
  });

  it('says the names of an engine that another one asks only once', () => {
    const names = (source: string) => edge(source, 'd', 'names');
    const domain = node('d', { kind: 'domain', group: 'domains' });
    const given = chain(1);
    const scene = whole(graph([...given.nodes, domain], [...given.edges, names('r'), names('f')]));
    expect(scene.links.filter((one) => one.target === 'd').map((one) => one.source)).toEqual(['r']);
  });
});

describe('folds', () => {
  it('are not made while all clients can be read', () => {
    expect(chooseFolds(chain(MAX_SHOWN).nodes, NONE).size).toBe(0);
  });

  it('leave the busiest of each group, and add up all others', () => {
    const given = chain(90);
    const folds = chooseFolds(given.nodes, NONE);
    const scene = sceneOf(given, NONE, folds, label);
    const clients = scene.nodes.filter((one) => one.group.startsWith('namespace:'));
    expect(clients.length).toBeLessThanOrEqual(MAX_SHOWN);
    expect(clients.map((one) => one.id)).toContain('c0');
    const queries = (of: { traffic: { queries: number } }[]) =>
      of.reduce((sum, one) => sum + one.traffic.queries, 0);
    expect(queries(clients)).toBe(queries(given.nodes.filter((one) => one.id.startsWith('c'))));
    const asks = scene.links.filter((one) => one.main.kind === 'asks').map((one) => one.main);
    expect(queries(asks)).toBe(queries(given.edges.filter((one) => one.id.startsWith('c'))));
    const folded = clients.find((one) => one.kind === 'folded');
    expect(folded?.label).toMatch(/^\d+ others of namespace n\d$/);
    expect(folded?.traffic.wait_us).toBeNull();
  });

  it('show an open lock of one that they hide', () => {
    const given = chain(90);
    const hidden = given.edges.find((one) => one.source === 'c89');
    there(hidden).lock = open('network_only', 7);
    const folds = chooseFolds(given.nodes, NONE);
    expect(folds.get('c89')).toBe('fold:namespace:n2');
    const line = sceneOf(given, NONE, folds, label).links.find(
      (one) => one.source === 'fold:namespace:n2',
    );
    expect(line?.lock).toMatchObject({ closed: false, reasons: [{ queries: 7 }] });
  });

  it('keep who is folded, also when it becomes busy', () => {
    const given = chain(90);
    const before = chooseFolds(given.nodes, NONE);
    const busy = given.nodes.map((one) =>
      one.id === 'c89' ? { ...one, traffic: traffic(9000) } : one,
    );
    expect([...chooseFolds(busy, NONE, before).keys()].sort()).toEqual([...before.keys()].sort());
  });

  it('can be opened', () => {
    const folds = chooseFolds(chain(60).nodes, new Set(['namespace:n0']));
    expect([...folds.values()]).not.toContain('fold:namespace:n0');
  });
});

describe('ten thousand edges', () => {
  const engines = Array.from({ length: 70 }, (_, at) => engine(`e${at}`));
  const clients = Array.from({ length: 80 }, (_, at) => node(`c${at}`));
  const edges = engines.flatMap((one) =>
    [...clients, ...engines]
      .filter((other) => other !== one)
      .map((other) => edge(other.id, one.id, 'asks', { traffic: traffic(5) })),
  );
  there(edges[9_999]).lock = open('cleartext', 5);

  it('are drawn with their open locks first, within a limit', () => {
    expect(edges.length).toBeGreaterThan(10_000);
    const scene = whole(graph([...clients, ...engines], edges));
    expect(scene.links).toHaveLength(MAX_LINKS);
    expect(scene.left).toBe(edges.length - MAX_LINKS);
    expect(scene.links[0]?.id).toBe(edges[9_999]?.id);
  });
});

describe('what was seen before', () => {
  it('stays in the picture as quiet, and nothing counts it twice', () => {
    const before = graph([node('a'), node('b'), engine('r')], [edge('a', 'r'), edge('b', 'r')]);
    const now = graph([node('a', { traffic: traffic(3) }), engine('r')], [edge('a', 'r')]);
    const { graph: shown, quiet } = remember(now, before);
    expect(shown.nodes.map((one) => one.id)).toEqual(['a', 'r', 'b']);
    expect([...quiet]).toEqual(['b', 'b>r:asks']);
    const scene = sceneOf(shown, quiet, new Map(), label);
    expect(scene.links.map((one) => [one.id, one.isQuiet])).toEqual([
      ['a>r:asks', false],
      ['b>r:asks', true],
    ]);
  });

  it('does not change the shape while rates change', () => {
    const first = whole(chain(5));
    const busier = chain(5);
    busier.nodes.reverse();
    for (const one of busier.edges) one.traffic = traffic(1);
    expect(shapeOf(whole(busier))).toBe(shapeOf(first));
  });

  it('is not remembered where the API folds, because IDs of folds change', () => {
    const before = graph([node('a')], [], { folded: 3 });
    const now = graph([upstream('u')], [], { folded: 3 });
    expect(remember(now, before).graph).toBe(now);
  });
});
