import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

const css = readFileSync('src/tokens.css', 'utf8');

/** The tokens of the block that begins with this selector. */
function tokens(selector: string): Record<string, string> {
  const [, block = ''] = css.split(`${selector} {`);
  const found = block.split('}')[0]?.matchAll(/--([\w-]+): ([^;]+);/g) ?? [];
  return Object.fromEntries([...found].map(([, name, value]) => [name, value]));
}

function luminance(hex: string): number {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const [r, g, b] = parts.map((one) =>
    one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function contrast(a = '', b = ''): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

test('dark is the same by the choice of a person and by that of the system', () => {
  const chosen = tokens(":root[data-theme='dark']");
  expect(Object.keys(chosen).length).toBeGreaterThan(20);
  expect(tokens(":root:not([data-theme='light'])")).toEqual(chosen);
});

test.each([':root', ":root[data-theme='dark']"])(
  'text in %s can be read (WCAG 2.2, 1.4.3)',
  (theme) => {
    const found = tokens(theme);
    for (const ground of ['ground', 'surface', 'raised', 'hover']) {
      for (const ink of [
        'ink',
        'ink-2',
        'ink-3',
        'accent',
        'answered',
        'blocked',
        'refused',
        'failed',
        'clear',
      ]) {
        expect(contrast(found[ink], found[ground]), `${ink} on ${ground}`).toBeGreaterThanOrEqual(
          4.5,
        );
      }
    }
    for (const tone of ['answered', 'blocked', 'refused', 'failed', 'clear', 'dropped', 'accent']) {
      expect(contrast(found[tone], found[`${tone}-wash`]), tone).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(found['accent-ink'], found['accent'])).toBeGreaterThanOrEqual(4.5);
  },
);
