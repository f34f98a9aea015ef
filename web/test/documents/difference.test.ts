import { describe, expect, it } from 'vitest';

import { difference, hunks } from '../../src/documents/difference';

const SIGNS = { same: ' ', added: '+', removed: '-' };
const shown = (before: string[], after: string[]) =>
  difference(before.join('\n'), after.join('\n')).map(({ kind, text }) => SIGNS[kind] + text);

describe('a difference', () => {
  it('has every line of both texts in order', () => {
    expect(shown(['a', 'b', 'c'], ['a', 'x', 'c'])).toEqual([' a', '-b', '+x', ' c']);
    expect(shown(['a', 'b'], ['a', 'b'])).toEqual([' a', ' b']);
    expect(shown([], ['a'])).toEqual(['+a']);
    expect(shown(['a', 'b', 'c', 'd'], ['b', 'd', 'e'])).toEqual(['-a', ' b', '-c', ' d', '+e']);
  });

  it('rebuilds both texts, whatever they are', () => {
    let seed = 1;
    const next = () => (seed = (seed * 16_807) % 2_147_483_647);
    for (let round = 0; round < 200; round += 1) {
      const make = () => Array.from({ length: next() % 12 }, () => 'abc'[next() % 3] ?? '');
      const [before, after] = [make(), make()];
      const lines = difference(before.map((one) => `${one}\n`).join(''), after.join('\n'));
      const of = (other: string) =>
        lines.filter(({ kind }) => kind !== other).map(({ text }) => text);
      expect([of('added'), of('removed')]).toEqual([before, after]);
    }
  });

  it('leaves out what is far from any change', () => {
    const many = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const changed = many.map((one, at) => (at === 10 ? 'other' : one));
    const left = hunks(difference(many.join('\n'), changed.join('\n')), 1);
    expect(left.map((one) => one?.text ?? null)).toEqual([
      null,
      'line 9',
      'line 10',
      'other',
      'line 11',
      null,
    ]);
  });
});
