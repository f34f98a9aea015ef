import { describe, expect, it } from 'vitest';

import { Fit, fitted, revealed, textSize, zoomed } from '../../src/graph/viewport';

describe('the view of a picture', () => {
  const area = { width: 1000, height: 500 };

  it('shows all of it in the middle', () => {
    const at = fitted({ x: 0, y: -50, width: 1600, height: 600 }, area);
    expect(at.x).toBeGreaterThanOrEqual(0);
    expect(at.x + 1600 * at.zoom).toBeLessThanOrEqual(1000);
    expect(at.y - 50 * at.zoom).toBeGreaterThanOrEqual(0);
  });

  it('keeps the middle while it comes nearer', () => {
    const from = { x: 10, y: 20, zoom: 1 };
    const to = zoomed(from, area, 1);
    expect((500 - to.x) / to.zoom).toBeCloseTo((500 - from.x) / from.zoom);
  });

  it('moves no more than is needed, also beside a panel', () => {
    const from = { x: 0, y: 0, zoom: 1 };
    const rect = { x: 600, y: 10, width: 100, height: 50 };
    expect(revealed(from, { ...rect, y: 30 }, area)).toEqual(from);
    expect(revealed(from, { ...rect, y: 30 }, area, 340).x).toBe(-60);
  });

  it('is fitted to a window of another size until somebody moves it', () => {
    const fit = new Fit();
    const bounds = { x: 0, y: 0, width: 800, height: 400 };
    const wide = { width: 1400, height: 500 };
    expect(fit.isDue('a', { width: 0, height: 0 }, undefined)).toBe(false);
    expect(fit.isDue('a', area, undefined)).toBe(true);
    const seen = fit.of(bounds, area);
    expect(fit.isDue('a', area, seen)).toBe(false);
    expect(fit.isDue('a', wide, { ...seen, x: seen.x + 40 })).toBe(false);
    expect(fit.isDue('a', wide, undefined), 'somebody is at a place in it').toBe(false);
    expect(fit.isDue('a', wide, { ...seen, x: seen.x + 0.4 })).toBe(true);
    expect(fit.isDue('b', wide, undefined), 'another picture').toBe(true);
  });

  it('has text that can be read when it is small', () => {
    expect(textSize(1)).toBe(14);
    expect(textSize(0.75) * 0.75).toBeGreaterThanOrEqual(11.5);
  });
});
