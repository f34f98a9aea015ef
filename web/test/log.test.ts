import { describe, expect, it } from 'vitest';

import { staysBlocked } from '../src/log/change';
import type { StoredDocument } from '../src/documents/kinds';
import { apiFilter, readWritten, writeFilter } from '../src/log/filters';
import { groupFilter, groupWords } from '../src/log/groups';
import { barsOf, marksOf, partsOf } from '../src/log/histogram';
import { isoOf, microsOf } from '../src/log/micros';
import type { QueryRow } from '../src/log/rows.svelte';
import { clientSearch, domainOf, writtenName } from '../src/log/words';

describe('the search box', () => {
  it('reads what it writes', () => {
    const filter = { name: 'a b"c\\d', client: 'spiffe://x/*', contains: 'two words' };
    expect(readWritten(writeFilter(filter))).toEqual({ filter, wrong: [] });
  });

  it('takes words without a field as a part of the name', () => {
    expect(readWritten('outcome:blocked ads "a:b"').filter).toEqual({
      outcome: 'blocked',
      contains: 'ads a:b',
    });
  });

  it('says which words it does not understand', () => {
    expect(readWritten('otcome:blocked slower_than_ms:soon').wrong).toEqual([
      'otcome:blocked',
      'slower_than_ms:soon',
    ]);
  });
});

describe('a filter', () => {
  it('by protection is asked for as it is written', () => {
    const { filter, wrong } = readWritten('protection:open proof:token');
    expect(wrong).toEqual([]);
    expect(apiFilter(filter)).toEqual({ protection: 'open', proof: 'token' });
    const { filter: tls } = readWritten('tls:none upstream_tls:1.3 address:192.0.2.1');
    expect(apiFilter(tls)).toEqual({ tls: 'none', upstream_tls: '1.3', address: '192.0.2.1' });
    expect(apiFilter({ name: 'a.example' })).toEqual({ name: 'a.example' });
  });

  it('of a group has the queries that the group counts, and no others', () => {
    expect(groupFilter('protection', 'neither')).toEqual({ protection: 'neither' });
    expect(groupWords('protection', 'neither')).toBe('Neither encrypted nor authenticated');
    expect(groupWords('name', 'neither')).toBe('neither');
    expect(groupWords('client', 'spiffe://x/ns/shop/sa/web')).toBe('shop/web');
    const kinds = ['192.0.2.1', '2001:db8::1', 'tv', 'spiffe://a/b'].map(
      (value) => groupFilter('client', value).client_kind,
    );
    expect(kinds).toEqual(['address', 'address', 'token', undefined]);
  });

  it('for the client of a row leaves out others at its address', () => {
    const row = (more: object) =>
      ({ identity: null, token: null, client: '192.0.2.1', ...more }) as QueryRow;
    const identity = { identity: 'spiffe://a/b', lock_in: { how: 'certificate' } };
    expect(clientSearch(row(identity)).client_kind).toBe('identity');
    expect(clientSearch(row({ ...identity, lock_in: { how: 'unproved' } })).client_kind).toBe(
      'claimed',
    );
    expect(clientSearch(row({ token: 'tv' }))).toEqual({ client: 'tv', client_kind: 'token' });
    expect(clientSearch(row({}))).toEqual({ client: '192.0.2.1', client_kind: 'address' });
  });
});

describe('an allow for all clients', () => {
  const policy = (name: string, rest: string) =>
    ({ name, text: `spec:\n  subjects: []\n${rest}`, is_shadowed: false }) as StoredDocument;
  const all = [policy('ci', ''), policy('lab', '  default: allow\n')];

  it('changes nothing where a policy denies by default', () => {
    expect(staysBlocked({ action: 'allow', client: null }, 'ci', all)).toBe('ci');
    expect(staysBlocked({ action: 'allow', client: null }, 'lab', all)).toBeUndefined();
  });

  it('acts everywhere as an allow for one client or a block', () => {
    expect(staysBlocked({ action: 'allow', client: 'token:a' }, 'ci', all)).toBeUndefined();
    expect(staysBlocked({ action: 'block', client: null }, 'ci', all)).toBeUndefined();
  });
});

describe('times', () => {
  it('are exact to the microsecond', () => {
    const iso = '2026-11-29T19:02:13.123456Z';
    expect(isoOf(microsOf(iso))).toBe(iso);
    expect(microsOf('2026-11-29T19:02:13Z') % 1_000_000).toBe(0);
    expect(isoOf(microsOf(iso) + 1)).toBe('2026-11-29T19:02:13.123457Z');
  });
});

describe('names', () => {
  it('have the domain that the API groups by', () => {
    expect(domainOf('a.b.example.co.uk')).toBe('example.co.uk');
    expect(domainOf('www.example.org')).toBe('example.org');
    expect(domainOf('localhost')).toBeUndefined();
  });

  it('are escaped for documents', () => {
    expect(writtenName('a\\027[31m<b>.example')).toBe('a\\027\\[31m\\<b\\>.example');
    expect(writtenName('plain-name_1.example')).toBe('plain-name_1.example');
  });
});

describe('the histogram', () => {
  it('has a bar for each interval, also without queries', () => {
    const found = {
      items: [{ time: '2026-11-29T10:00:10Z', by_outcome: { answered: 3, blocked: 1 } }],
      since: '2026-11-29T10:00:03Z',
      until: '2026-11-29T10:00:40Z',
      step_seconds: 10,
      total: 4,
      next: null,
      searched_to: null,
    };
    const bars = barsOf(found);
    expect(bars.map((bar) => bar.total)).toEqual([0, 4, 0, 0]);
    expect(partsOf(bars[1] as (typeof bars)[0], 4).map((part) => part.height)).toEqual([
      0.75, 0.25,
    ]);
  });
});

describe('the times below the bars', () => {
  const bars = (begin: string, end: string) => [
    { begin: Date.parse(begin), end: Date.parse(end), total: 0, counts: {} },
  ];
  const shown = (begin: string, end: string, most: number) =>
    marksOf(bars(begin, end), most).map(({ at }) => new Date(at).toISOString().slice(11, 19));

  it('are round, whenever the bars begin', () => {
    const found = shown('2026-01-01T06:22:00Z', '2026-01-01T07:23:00Z', 7);
    expect(found).toEqual(['06:30:00', '06:40:00', '06:50:00', '07:00:00', '07:10:00', '07:20:00']);
    expect(shown('2026-01-01T06:22:07Z', '2026-01-01T06:22:31Z', 3)).toEqual([
      '06:22:10',
      '06:22:20',
      '06:22:30',
    ]);
  });

  it('are none where there are no bars', () => {
    expect(marksOf([], 5)).toEqual([]);
  });
});
