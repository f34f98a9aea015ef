import { expect, it } from 'vitest';

import { healthOf } from '../src/parts/upstream-health';

it('calls no upstream healthy that has never answered', () => {
  const report = { is_healthy: true, answered: 0, round_trip: null };
  expect(healthOf(report)).toBe('untried');
  expect(healthOf({ ...report, answered: 1, round_trip: 0.004 })).toBe('healthy');
  expect(healthOf({ ...report, is_healthy: false, answered: 9 })).toBe('away');
});
