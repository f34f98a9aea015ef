import { describe, expect, it } from 'vitest';

import { readPath, showPath } from '../../src/documents/path';
import { spanOf } from '../../src/documents/span';
import { readYaml, setValue } from '../../src/documents/yaml-text';

const TEXT = `# the shop
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: shop}
spec:
  default: deny  # nothing else

  # who may ask
  subjects:
    - spiffe://example.org/ns/shop/*  # all of it
    - client:tv
  rules:
    - allow: [api.example.org, "*.example.net"]
      types: [A]
    - block: ["/^ad[0-9]+\\\\./"]
      when: {from: 21:00, to: 07:00, timezone: UTC}
  log: full
`;

describe('a text that is changed at a path', () => {
  it('stays as it is where nothing is changed', () => {
    expect(setValue(TEXT, ['spec', 'default'], 'deny')).toBe(TEXT);
    expect(setValue(TEXT, ['spec', 'rules', 0, 'types'], ['A'])).toBe(TEXT);
    expect(setValue(TEXT, ['spec', 'nothing', 'here'], undefined)).toBe(TEXT);
  });

  it('keeps comments, order and quotes', () => {
    expect(setValue(TEXT, ['spec', 'default'], 'allow')).toBe(
      TEXT.replace('default: deny  #', 'default: allow #'),
    );
    expect(setValue(TEXT, ['spec', 'subjects'], ['spiffe://example.org/ns/shop/*'])).toBe(
      TEXT.replace('    - client:tv\n', ''),
    );
    expect(setValue(TEXT, ['spec', 'rules', 1, 'when', 'to'], '08:30')).toBe(
      TEXT.replace('to: 07:00', 'to: 08:30'),
    );
  });

  it('gets new keys at the end and loses those without a value', () => {
    expect(setValue(TEXT, ['spec', 'mode'], 'observe')).toBe(`${TEXT}  mode: observe\n`);
    expect(setValue(TEXT, ['spec', 'log'], undefined)).toBe(TEXT.replace('  log: full\n', ''));
    const one = setValue(TEXT, ['spec', 'rules', 1, 'important'], true);
    expect(one).toContain('      important: true\n');
    const grown = setValue(
      TEXT,
      ['spec', 'subjects'],
      ['spiffe://example.org/ns/shop/*', 'client:tv', 'cidr:192.0.2.0/24'],
    );
    expect(grown).toBe(
      TEXT.replace('    - client:tv\n', '    - client:tv\n    - cidr:192.0.2.0/24\n'),
    );
  });

  it('quotes texts that YAML would read as something else', () => {
    const starred = setValue(TEXT, ['spec', 'rules', 0, 'allow'], ['*.example.org']);
    expect(starred).toContain('allow: ["*.example.org"]');
    expect(setValue(TEXT, ['spec', 'rules', 1, 'answer'], 'null')).toContain('answer: "null"');
  });

  it('is left alone while it is no YAML', () => {
    expect(setValue('a: [b', ['a'], 'c')).toBe('a: [b');
  });

  it('is made from nothing', () => {
    expect(setValue('', ['spec', 'lists'], ['ads'])).toBe('spec:\n  lists: [ads]\n');
  });
});

describe('places', () => {
  it('are found in the text', () => {
    const read = readYaml(TEXT);
    const shown = (path: string, withKey = false) => {
      const span = spanOf(read, readPath(path), withKey);
      return span && TEXT.slice(span.from, span.to).trim();
    };
    expect(shown('spec.rules[0].types')).toBe('[A]');
    expect(shown('spec.rules[1].when.timezone')).toBe('UTC');
    expect(shown('spec.subjects[1]')).toBe('client:tv');
    expect(shown('spec.log', true)).toBe('log: full');
    expect(shown('spec.rules[0].answer')).toContain('allow:');
    expect(shown('spec.nothing')).toContain('spec:');
  });

  it('are written as the API writes them', () => {
    for (const path of ['spec.rules[2].types[0]', 'metadata.name', 'spec']) {
      expect(showPath(readPath(path))).toBe(path);
    }
  });
});

describe('a text with an alias that stands for nothing', () => {
  it('is an error at its place and changes nothing', () => {
    const text = 'kind: Policy\nspec: {allow: [*.example.com]}\n';
    const read = readYaml(text);
    expect(read.value).toBeUndefined();
    expect(read.errors.map(({ span }) => text.slice(span.from, span.to))).toEqual([
      '*.example.com',
    ]);
    expect(setValue(text, ['kind'], 'List')).toBe(text);
  });
});
