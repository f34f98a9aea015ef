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
