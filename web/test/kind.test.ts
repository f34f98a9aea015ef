import { expect, test } from 'vitest';

import { hrefOf, named } from '../src/parts/kind';

test('a stored document is named by kind and name, without where it lies', () => {
  expect(named('stored/policy-kids.yaml:7 Policy/kids spec.subjects[0]: there is none')).toEqual([
    { kind: 'Policy', name: 'kids' },
    ' spec.subjects[0]: there is none',
  ]);
});

test('a declared document keeps its file, and a sentence may name several', () => {
  const said = 'policy.yaml:12 Policy/lab x: also of Policy/kids at stored/policy-kids.yaml:7; one';
  expect(named(said)).toEqual([
    { kind: 'Policy', name: 'lab', file: 'policy.yaml', line: '12' },
    ' x: also of ',
    { kind: 'Policy', name: 'kids' },
    '; one',
  ]);
  expect(named('see Upstream/one.example.')).toEqual([
    'see ',
    { kind: 'Upstream', name: 'one.example' },
    '.',
  ]);
});

test('a sentence without a document stays as it is, and each kind leads to its page', () => {
  expect(named('<b>not Policies/kids</b>')).toEqual(['<b>not Policies/kids</b>']);
  expect(hrefOf({ kind: 'List', name: 'ads' })).toBe('/lists?name=ads');
  expect(hrefOf({ kind: 'Client', name: 'tv' })).toBeUndefined();
});

test('a URL or a path names no document', () => {
  for (const said of ['https://a.example/Policy/kids', 'see /docs/List/ads', 'a.Policy/kids'])
    expect(named(said)).toEqual([said]);
});
