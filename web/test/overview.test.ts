import { describe, expect, test } from 'vitest';

import type { Schemas } from '../src/api/client';
import { notices, type Known } from '../src/overview/attention';
import { clientsOf } from '../src/overview/clients';
import { Rate } from '../src/overview/rate.svelte';

type Status = Schemas['Status'];

const status = (more: Partial<Status> = {}): Status => ({
  version: '1',
  role: 'resolver',
  uptime: 60,
  page: null,
  restored: null,
  blocking: { state: 'on', until: null, paused: [] },
  lists_in_use: [],
  wrong: [],
  listeners: {},
  parts: [],
  lists: [],
  undelivered: [],
  events: [],
  handshakes: [],
  open_findings: 0,
  dnstap: [],
  traces: null,
  upstreams: [],
  queries: {},
  rate: null,
  counters: {},
  closed_connections: {},
  load: null,
  ...more,
});

describe('the rate', () => {
  test('is the difference of two looks, by the time between them', () => {
    const rate = new Rate();
    rate.add(status({ queries: { cached: 10, forwarded: 10 } }), 1_000);
    expect(rate.now).toBeUndefined();
    rate.add(status({ queries: { cached: 20, forwarded: 15 } }), 3_000);
    expect(rate.now).toBe(7.5);
  });

  test('is known at the first look, where control knows it', () => {
    const rate = new Rate();
    rate.add(status({ queries: { cached: 1_000 }, rate: 3.5 }), 1_000);
    expect(rate.now).toBe(3.5);
    rate.add(status({ queries: { cached: 1_010 }, rate: 3.6 }), 3_000);
    expect(rate.values).toEqual([3.5, 5]);
  });

  test('begins anew with an engine that begins anew', () => {
    const rate = new Rate();
    rate.add(status({ queries: { cached: 1_000 } }), 1_000);
    rate.add(status({ queries: { cached: 4 } }), 2_000);
    expect(rate.now).toBeUndefined();
    rate.add(status({ queries: { cached: 8 } }), 4_000);
    expect(rate.values).toEqual([2]);
  });
});

describe('what needs attention', () => {
  const titles = (known: Omit<Known, 'range'>) =>
    notices({ ...known, range: { range: '1h' } }).map((one) => one.title);

  test('is nothing where all is well', () => {
    expect(titles({ status: status() })).toEqual([]);
  });

  test('is each list that is held back, empty or not downloaded, where a policy uses it', () => {
    const list = (name: string, more: object) => ({
      ...{ name, kind: 'block', state: 'in force', why: '', lost: '', taken: 10, sources: [] },
      ...{ policies: ['all'], files: [], ...more },
    });
    const since = '2026-01-01T00:00:00Z';
    const failed = [{ state: 'failed', error: 'timed out', failing_since: since }];
    const again = [{ state: 'downloading', error: 'timed out', failing_since: since }];
    const first = [{ state: 'downloading', error: null, failing_since: null }];
    const lists = [
      list('good', {}),
      list('held', { state: 'held back', why: 'it halved' }),
      list('empty', { taken: 0 }),
      list('never', { state: 'waiting', taken: null, sources: failed }),
      list('old', { sources: failed }),
      list('tried again', { state: 'downloading', sources: again }),
      list('coming', { state: 'downloading', taken: null, sources: first }),
      list('unused', { taken: 0, policies: [] }),
    ] as unknown as Schemas['ListSummary'][];
    expect(titles({ status: status(), lists })).toEqual([
      'List held is held back',
      'List empty has no entries',
      'List never has no entries',
      'List old could not be downloaded',
      'List tried again could not be downloaded',
    ]);
  });

  test('is each part that does not work, and what is in the clear', () => {
    const since = '2026-01-01T00:00:00Z';
    const upstream = {
      name: 'quad',
      protocol: 'dot',
      is_healthy: false,
      condition: 'fails' as const,
      since: null,
      asked: 1,
      answered: 1,
      refused: 0,
      connections: 1,
      handshakes: 1,
      round_trip: null,
      certificate: null,
      failed: {},
      last_error: 'timed out',
    };
    const found = titles({
      status: status({
        parts: [
          { name: 'disk', state: 'failed', why: 'full', since },
          { name: 'proof', state: 'failed', why: 'the lab: a promise is broken', since },
        ],
        upstreams: [upstream],
        undelivered: [{ engine: 'local', has_it: false, why: 'away' }],
        handshakes: [{ listener: 'dns', reason: 'not_tls', count: 3 }],
      }),
      traffic: { unprotected: 1_200 } as Schemas['Traffic'],
      totals: { lost: 5 } as Schemas['Totals'],
    });
    expect(found).toEqual([
      'disk: does not work',
      'Not every promise of Keyhole is proved',
      'Upstream quad does not answer',
      'Engine local does not have the newest revocations',
      '1,200 queries were in the clear',
      '5 queries are missing in the log',
      '3 refused handshakes',
    ]);
  });
});

test('each client leads to its queries alone', () => {
  // The API says of a claimed one that it is.
  const labelOf = (kind: string) => (kind === 'claimed' ? 'web (claimed)' : 'web');
  const client = (kind: string, value: string) =>
    ({
      kind,
      label: labelOf(kind),
      value,
      id: value,
      queries: 1,
      unknown: 0,
      reasons: [],
    }) as unknown;
  const given = [
    client('identity', 'spiffe://x/web'),
    client('claimed', 'spiffe://x/web'),
    client('anonymous', 'tv'),
    client('uncounted', 'lost'),
    { ...(client('identity', 'idle') as object), queries: 0 },
  ] as Schemas['ClientSummary'][];
  const found = clientsOf(given, { range: '1h' });
  expect(found?.map((one) => one.href)).toEqual([
    '/log?range=1h&client=spiffe%3A%2F%2Fx%2Fweb&client_kind=identity',
    '/log?range=1h&client=spiffe%3A%2F%2Fx%2Fweb&client_kind=claimed',
    '/log?range=1h&policy=tv&client_kind=anonymous',
    '/clients?range=1h&client=lost',
  ]);
  expect(found?.map((one) => one.label)).toEqual(['web', 'web (claimed)', 'web', 'web']);
});

test('refused handshakes are said in words and lead to the findings', () => {
  const handshakes = [{ listener: 'dns', reason: 'unknown_issuer', count: 3 }];
  const [found] = notices({ status: status({ handshakes }), range: {} });
  expect(found?.more).toBe('No authority of its trust domain has signed the certificate (3)');
  expect(found?.href).toBe('/findings');
});
