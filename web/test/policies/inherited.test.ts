import { expect, test } from 'vitest';

import type { StoredDocument } from '../../src/documents/kinds';
import { summaryOf } from '../../src/policies/summary';

const policy = (name: string, spec: string) =>
  ({
    kind: 'Policy',
    name,
    is_shadowed: false,
    text: `kind: Policy\nmetadata: {name: ${name}}\nspec: ${spec}\n`,
  }) as StoredDocument;

test('a policy has the lists of those that it includes, also through another one', () => {
  const ci = policy('ci', '{include: [lab], lists: [own]}');
  const lab = policy('lab', '{include: [base, ci], lists: {names: [ads, own]}}');
  const base = policy('base', '{lists: [ads, trackers]}');
  const found = summaryOf(ci, [ci, lab, base]);
  expect(found.lists).toEqual(['own']);
  expect(found.inherited).toEqual([
    { list: 'ads', from: 'lab' },
    { list: 'trackers', from: 'base' },
  ]);
});

test('a policy has the lists that name it, and those that name what it includes', () => {
  const list = (name: string, users: string) =>
    ({ ...policy(name, `{policies: [${users}]}`), kind: 'List' }) as StoredDocument;
  const ci = policy('ci', '{include: [lab], lists: [own]}');
  const known = [
    ci,
    policy('lab', '{}'),
    list('ads', 'lab'),
    list('own', 'ci'),
    list('more', 'ci'),
  ];
  const found = summaryOf(ci, known);
  expect(found.lists).toEqual(['own', 'more']);
  expect(found.inherited).toEqual([{ list: 'ads', from: 'lab' }]);
});
