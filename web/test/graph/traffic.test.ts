import { describe, expect, it } from 'vitest';

import { changed } from '../../src/graph/change';
import { viewOf } from '../../src/graph/address';
import { found } from '../../src/graph/find';
import { ofLink as logOfLink, ofNode as logOfNode, withView } from '../../src/graph/log-search';
import { firstBusy, framesOf, ofLink, stepFor, STEPS } from '../../src/graph/replay';
import { evenly } from '../../src/graph/route';
import { sceneOf } from '../../src/graph/scene';
import {
  dotsOf,
  eachDot,
  MAX_DOTS,
  speedOf,
  thinning,
  verdictOf,
  type Flow,
} from '../../src/graph/traffic';
import { lockWords, rateWords } from '../../src/graph/words';
import { chain, edge, engine, graph, node, open, there, traffic } from './made';

const line = { id: 'a', path: '', levels: [], ...evenly([0, 0, 300, 0]) };
const flow = (rate: number, verdicts: Flow['verdicts'] = { answered: 1 }): Flow => ({
  route: line,
  rate,
  verdicts,
});

describe('moving traffic', () => {
  it('is faster and closer with the logarithm of the rate', () => {
    const speeds = [0.1, 1, 10, 100].map(speedOf);
    expect(speeds).toEqual([...speeds].sort((a, b) => a - b));
    expect(speedOf(1000) / speedOf(1)).toBeLessThan(4);
    expect(dotsOf(0, 300)).toBe(0);
    expect(dotsOf(0.01, 300)).toBeGreaterThan(0);
    expect(dotsOf(100, 300)).toBeGreaterThan(dotsOf(1, 300));
  });

  it('stays on its line', () => {
    for (const run of [0, 13, 299, 1e6]) {
      eachDot(flow(5), run, 1, (x, y) => {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(300);
        expect(y).toBe(0);
      });
    }
  });

  it('has the color of each verdict by its share', () => {
    const counts: Record<string, number> = {};
    for (let at = 0; at < 1000; at += 1) {
      const one = verdictOf(flow(1, { answered: 70, blocked: 25, failed: 5 }), at);
      counts[one] = (counts[one] ?? 0) + 1;
    }
    expect(Math.abs(there(counts.answered) - 700)).toBeLessThan(20);
    expect(Math.abs(there(counts.blocked) - 250)).toBeLessThan(20);
    expect(Math.abs(there(counts.failed) - 50)).toBeLessThan(20);
  });

  it('has not more dots than can be drawn quickly', () => {
    const flows = Array.from({ length: 300 }, () => flow(1000));
    let dots = 0;
    for (const one of flows) eachDot(one, 0, thinning(flows), () => (dots += 1));
    expect(dots).toBeLessThanOrEqual(MAX_DOTS + flows.length);
  });
});

describe('a replay', () => {
  const counts = { queries: 3, errors: 1, blocked: 1, unprotected: 2 };
  const given = {
    ...chain(2),
    step: 20,
    intervals: [
      {
        time: '2026-11-29T12:00:20Z',
        total: counts,
        edges: { 'c0>r:asks': counts, 'r>f:asks': { ...counts, queries: 9 } },
      },
    ],
  };

  it('has a frame for each step, also for those without a query', () => {
    const frames = framesOf(given);
    expect(frames.map((one) => one.edges.size)).toEqual([0, 2, 0]);
  });

  it('counts what the panel counts: not what one engine asks the next', () => {
    expect(framesOf(given).map((one) => one.total.queries)).toEqual([0, 3, 0]);
  });

  it('begins where somebody asks', () => {
    expect(firstBusy(framesOf(given))).toBe(1);
    expect(firstBusy(framesOf({ ...given, intervals: [] }))).toBe(0);
  });

  it('adds up the edges of a fold', () => {
    const folds = new Map([['c0', 'fold:namespace:n0']]);
    const scene = sceneOf(given, new Set(), folds, String);
    const folded = scene.links.find((one) => one.source === 'fold:namespace:n0');
    expect(ofLink(there(folded), there(framesOf(given)[1]), folds)).toEqual(counts);
  });

  it('has steps of a length that people know, and not too many', () => {
    for (const seconds of [30, 900, 3_600, 86_400, 604_800, 2_592_000, 31_536_000]) {
      expect(seconds / stepFor(seconds)).toBeLessThanOrEqual(STEPS);
    }
    expect(stepFor(3_600)).toBe(60);
  });
});

describe('a change of the live graph', () => {
  it('replaces, adds and removes, and leaves the rest', () => {
    const before = graph([node('a'), node('b')], [edge('a', 'r'), edge('b', 'r')]);
    const after = changed(before, {
      ...before,
      nodes: [node('a', { traffic: traffic(9) }), node('c')],
      edges: [],
      groups: [],
      gone: { nodes: ['b'], edges: ['b>r:asks'] },
    });
    expect(after.nodes.map((one) => [one.id, one.traffic.queries])).toEqual([
      ['a', 9],
      ['c', 60],
    ]);
    expect(after.edges).toEqual([before.edges[0]]);
    expect(after.groups).toBe(before.groups);
  });
});

describe('words and addresses', () => {
  it('show a small rate in a unit in which it is not nothing', () => {
    expect(rateWords(3.21)).toBe('3.2/s');
    expect(rateWords(0.02)).toBe('1.2/min');
    expect(rateWords(0.0003)).toBe('1.1/h');
    expect(rateWords(0)).toBe('0/s');
  });

  it('say the share of an open lock', () => {
    expect(lockWords(open('cleartext', 5), 10)).toBe('50 % cleartext');
    expect(lockWords(open('network_only', 10), 10)).toBe('network only');
    expect(lockWords({ closed: true, state: 'closed', reasons: [] }, 10)).toBe('');
  });

  it('find a node by a part of its name', () => {
    const nodes = [node('shop/web'), node('webhook'), node('other')];
    expect(found(nodes, 'web')?.id).toBe('shop/web');
    expect(found(nodes, 'HOOK')?.id).toBe('webhook');
    expect(found(nodes, 'x')).toBeUndefined();
    expect(found(nodes, ' ')).toBeUndefined();
  });

  it('lead to the log where it has these queries, and nowhere else', () => {
    const view = viewOf({ verdict: 'blocked', range: '24h' });
    const workload = node('a');
    expect(withView(there(logOfNode(workload)), view)).toMatchObject({
      client: workload.name,
      outcome: 'blocked',
      range: '24h',
    });
    expect(logOfNode(node('n', { kind: 'folded' }))).toBeNull();
    const live = viewOf({});
    expect(withView({}, live).range).toBe('1m');
    expect(withView({}, live, true).range).toBe('1h');
    const neighbor = { ...engine('f', 'forwarder'), name: 'forwarder' };
    const nodes = new Map([workload, neighbor].map((one) => [one.id, one]));
    const scene = sceneOf(
      graph([...nodes.values()], [edge('a', 'f')]),
      new Set(),
      new Map(),
      String,
    );
    const link = there(scene.links[0]);
    expect(logOfLink(link, nodes)).toBeNull();
  });

  it('are live without a time', () => {
    expect(viewOf({}).range).toBeNull();
    expect(viewOf({ range: '7d' }).range).toEqual({ last: '7d' });
    expect(viewOf({ range: 'nonsense' }).range).toEqual({ last: '1h' });
    expect(viewOf({ view: 'nonsense' }).form).toBeUndefined();
  });
});
