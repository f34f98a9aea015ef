import { expect, test } from 'vitest';

import { Editing } from '../../src/documents/editing.svelte';
import { effectRoot } from '../effect-root.svelte';

const problem = (...path: (string | number)[]) => ({
  path,
  why: 'wrong',
  elsewhere: '',
  line: 1,
});

function editing(text: string): Editing {
  const made = new Editing('Policy');
  made.open({ name: 'kids', text, version: 1 } as Parameters<Editing['open']>[0]);
  return made;
}

test('an error of what was just changed waits for the next check, others stay', () => {
  effectRoot(() => {
    const one = editing('kind: Policy\nspec:\n  log: full\n  rules:\n    - block: []\n');
    const other = problem('spec', 'log');
    one.problems = [problem('spec', 'rules', 0), problem('spec', 'rules', 0, 'block', 0), other];
    one.set(['spec', 'rules', 0, 'block'], ['a.example']);
    expect(one.said).toEqual([other]);
  });
});

test('what an alias needs is not taken out: the form points to the YAML', () => {
  effectRoot(() => {
    const text = 'kind: Policy\nspec:\n  lists: &u [one]\n  upstreams: *u\n';
    const one = editing(text);
    one.set(['spec', 'lists'], undefined);
    expect(one.text).toBe(text);
    expect(String(one.error)).toContain('change it in the YAML');
    one.set(['spec', 'log'], 'full');
    expect(one.text).toContain('log: full');
    expect(one.error).toBeNull();
  });
});
