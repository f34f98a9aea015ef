import { beforeEach, expect, it, vi } from 'vitest';

import { ProblemError } from '../../src/api/problem';
import type { StoredDocument } from '../../src/documents/kinds';
import { Importing } from '../../src/settings/documents/importing.svelte';

const { post } = vi.hoisted(() => ({ post: vi.fn() }));
vi.mock('../../src/api/client', () => ({
  api: { POST: post },
  read: (asked: unknown) => asked,
}));
vi.mock('../../src/documents/changes', () => ({ changed: () => Promise.resolve() }));

const known = [
  { kind: 'Record', name: 'a', origin: 'stored', version: 4, text: 'before' },
] as StoredDocument[];
const load = () => Promise.resolve(known);
const record = (name: string) => `kind: Record\nmetadata:\n  name: ${name}\n`;
const result = (name: string) => ({
  effects: [{ kind: 'Record', name, what: 'changed' }],
  advice: [],
});
const sent = () =>
  (post.mock.calls as [string, { body: { text: string } }][]).map(([, { body }]) => body.text);

function importing(text: string): Importing {
  const made = new Importing();
  made.text = text;
  return made;
}

beforeEach(() => post.mockReset());

it('applies what was checked with the versions that it was compared with', async () => {
  post.mockResolvedValue(result('a'));
  const one = importing(`${record('a')}---\n${record('b')}`);
  await one.check(load);
  await one.apply();
  expect(sent()).toEqual([
    `${record('a')}---\n${record('b')}`,
    `# keyhole-version: 4\n${record('a')}---\n# keyhole-version: 0\n${record('b')}`,
  ]);
  expect(one.done).toBeDefined();
  expect(one.isHeld).toBe(false);
  one.touch();
  expect(one.isHeld).toBe(true);
});

it('does not show the answer for an earlier text', async () => {
  let answer: (value: unknown) => void = () => undefined;
  post.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  const one = importing(record('a'));
  const checking = one.check(load);
  await vi.waitFor(() => expect(post).toHaveBeenCalled());
  one.text = record('b');
  one.touch();
  answer(result('a'));
  await checking;
  expect(one.effects).toBeUndefined();
  expect(one.isBusy).toBe(false);
  await one.apply();
  expect(post).toHaveBeenCalledTimes(1);
});

it('says errors of an import at the lines of the text', async () => {
  post.mockResolvedValueOnce(result('a'));
  const item = { document: 'Record/a', file: 'import', line: 3, path: '', place: '', why: 'no' };
  const problem = { type: 'x:refused', title: '', status: 422, detail: '', problems: [item] };
  const one = importing(record('a'));
  await one.check(load);
  post.mockRejectedValueOnce(new ProblemError(problem));
  await one.apply();
  expect(one.problems.map(({ line }) => line)).toEqual([2]);
});

it('leaves out what a file declares and sends nothing if that is all', async () => {
  const one = importing(record('a'));
  const declared = [{ ...known[0], origin: 'declared', version: null }] as StoredDocument[];
  await one.check(() => Promise.resolve(declared));
  expect(one.leftOut.map(({ label }) => label)).toEqual(['Record/a']);
  expect(one.effects).toEqual([]);
  expect(post).not.toHaveBeenCalled();
});
