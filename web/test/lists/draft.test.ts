import { expect, test } from 'vitest';

import type { StoredDocument } from '../../src/documents/kinds';
import { ListDraft } from '../../src/lists/draft.svelte';
import type { CatalogEntry } from '../../src/lists/queries';
import { policiesOf, withPolicy } from '../../src/lists/use';

test('a new list begins with the policy for all clients, until a person chooses', () => {
  const draft = new ListDraft(false);
  draft.suggest(undefined);
  expect(draft.policies).toEqual([]);
  draft.suggest('default');
  expect(draft.policies).toEqual(['default']);
  draft.choose([]);
  draft.suggest('default');
  expect(draft.policies).toEqual([]);
});

test('what a person entered is held, and what the catalog says is not', () => {
  const typed = new ListDraft(true);
  typed.suggest('default');
  expect(typed.isEntered).toBe(false);
  typed.entries = 'ads.example';
  expect(typed.isEntered).toBe(true);
  const entry = { name: 'light', url: 'https://lists.example.org/light.txt' } as CatalogEntry;
  const picked = new ListDraft(false, entry);
  expect(picked.isEntered).toBe(false);
  picked.rename('mine');
  expect(picked.isEntered).toBe(true);
});

test('a list names the policies that files declare, and none where there are none', () => {
  const draft = new ListDraft(false);
  draft.url = 'https://lists.example.org/ads.txt';
  draft.rename('ads');
  expect(draft.textFor(['default'])).toContain('policies:');
  expect(draft.textFor([])).not.toContain('policies');
});

test('one more policy is added to those of a list', () => {
  const list = { text: 'kind: List\nspec:\n  policies: [a] # mine\n' } as StoredDocument;
  const changed = { ...list, text: withPolicy(list, 'b') };
  expect(policiesOf(changed)).toEqual(['a', 'b']);
  expect(changed.text).toContain('# mine');
});
