import { describe, expect, test } from 'vitest';

import { bucketsOf } from '../src/overview/queries';
import { intervalsOf } from '../src/parts/intervals';
import { spanOf, type ChartData } from '../src/parts/plot';

describe('a chart', () => {
  test('has all intervals of its span, with the one that has just begun', () => {
    expect(intervalsOf({ since: 610, until: 790, step: 60 })).toEqual([600, 660, 720, 780]);
    expect(intervalsOf({ since: 600, until: 720, step: 60 })).toEqual([600, 660]);
  });

  test('reaches the end of the last interval, also where it has only one', () => {
    const chart = (times: number[]): ChartData => ({ kind: 'stack', times, step: 60, series: [] });
    expect(spanOf(chart([600, 660]))).toEqual([600, 720]);
    expect(spanOf(chart([600]))).toEqual([600, 660]);
    expect(spanOf(chart([]))).toBeUndefined();
  });

  test('takes whole buckets of the statistics, as many as the API gives', () => {
    const step = (days: number) =>
      bucketsOf('2026-01-01T00:00:00.000Z', new Date(Date.UTC(2026, 0, 1 + days)).toISOString())
        .step;
    expect([step(1), step(7), step(30)]).toEqual([900, 5_100, 21_600]);
  });
});
