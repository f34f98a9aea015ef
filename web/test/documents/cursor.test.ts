import { describe, expect, it } from 'vitest';

import { placeAt } from '../../src/documents/cursor';
import { showPath } from '../../src/documents/path';

/** The place of the | in a text. */
function at(text: string): string {
  const offset = text.indexOf('|');
  const { path, part, siblings } = placeAt(text.replace('|', ''), offset);
  const beside = siblings.length ? ` beside ${siblings.join(' ')}` : '';
  return `${part} ${showPath(path)}${beside}`;
}

const HEAD = 'apiVersion: keyhole.dev/v1\nkind: Policy\nmetadata: {name: shop}\n';

describe('the place of the cursor', () => {
  it('is a key of the mapping that it is indented for', () => {
    expect(at(`${HEAD}|`)).toBe('key  beside metadata kind apiVersion');
    expect(at(`${HEAD}spec:\n  de|`)).toBe('key spec');
    expect(at(`${HEAD}spec:\n  default: deny\n  lo|\n  mode: observe\n`)).toBe(
      'key spec beside default mode',
    );
    expect(at(`${HEAD}spec:\n  lists:\n    names: [ads]\n    |`)).toBe(
      'key spec.lists beside names',
    );
  });

  it('is a value behind its key', () => {
    expect(at(`${HEAD}spec:\n  default: de|`)).toBe('value spec.default');
    expect(at('kind: |')).toBe('value kind');
  });

  it('is an item of a list', () => {
    expect(at(`${HEAD}spec:\n  subjects:\n    - cl|`)).toBe('key spec.subjects[0]');
    expect(at(`${HEAD}spec:\n  rules:\n    - al|`)).toBe('key spec.rules[0]');
    expect(at(`${HEAD}spec:\n  rules:\n    - allow: [a.example.org]\n      ty|`)).toBe(
      'key spec.rules[0] beside allow',
    );
    expect(at(`${HEAD}spec:\n  rules:\n  - allow: [a]\n  - block: [b]\n    mode: |`)).toBe(
      'value spec.rules[1].mode',
    );
    expect(at(`${HEAD}spec:\n  rules:\n    - block: [b]\n      when:\n        |`)).toBe(
      'key spec.rules[0].when',
    );
  });

  it('is found in brackets', () => {
    expect(at(`${HEAD}spec:\n  lists: [ads, |`)).toBe('value spec.lists[0]');
    expect(at(`${HEAD}spec:\n  lists: {names: [ads], mode: |`)).toBe('value spec.lists.mode');
    expect(at(`${HEAD}spec:\n  rules:\n    - block: [b]\n      when: {days: [mon], fr|`)).toBe(
      'key spec.rules[0].when beside days',
    );
    expect(at('metadata: {na|')).toBe('key metadata');
  });
});
