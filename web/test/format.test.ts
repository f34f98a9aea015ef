import { describe, expect, test } from 'vitest';

import { ago, micros, octets, rate, share } from '../src/parts/format';
import { rangeSearch, readRange, timesOf } from '../src/parts/range';

describe('numbers', () => {
  test('a share that is not whole is never shown as all or nothing', () => {
    expect(share(1)).toBe('100 %');
    expect(share(0.99999)).toBe('> 99.9 %');
    expect(share(0.995)).toBe('99.5 %');
    expect(share(0.5)).toBe('50 %');
    expect(share(0.00001)).toBe('< 0.1 %');
    expect(share(0)).toBe('0 %');
  });

  test('times, sizes and rates have the unit that a person reads', () => {
    expect([micros(12), micros(1_234), micros(45_678), micros(3_200_000)]).toEqual([
      '12 µs',
      '1.2 ms',
      '46 ms',
      '3.2 s',
    ]);
    expect([octets(12), octets(2048), octets(5 * 1024 ** 2)]).toEqual([
      '12 B',
      '2.0 KiB',
      '5.0 MiB',
    ]);
    expect([rate(0), rate(0.42), rate(12.3)]).toEqual(['0', '0.4', '12']);
    expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T03:10:00Z'))).toBe('3 hours ago');
    expect(ago('2026-01-01T00:00:00Z', Date.parse('2025-12-31T23:58:00Z'))).toBe('in 2 minutes');
  });
});

describe('a time range', () => {
  test('in the address is either a moving one or two times in order', () => {
    const [since, until] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    expect(readRange({ range: '7d' })).toEqual({ last: '7d' });
    expect(readRange({ range: 'ever' })).toEqual({ last: '1h' });
    expect(readRange({ since, until })).toEqual({ since, until });
    expect(readRange({ since: until, until: since })).toEqual({ last: '1h' });
    expect(readRange({ ...rangeSearch({ since, until }) })).toEqual({ since, until });
  });

  test('that moves ends now', () => {
    const now = Date.parse('2026-01-01T01:00:00Z');
    expect(timesOf({ last: '1h' }, now)).toEqual({ since: '2026-01-01T00:00:00.000Z' });
  });
});
