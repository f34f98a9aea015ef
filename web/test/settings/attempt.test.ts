import { expect, it, vi } from 'vitest';

import { Attempt } from '../../src/settings/attempt.svelte';

it('closes no dialog that was opened anew in the meantime', async () => {
  const attempt = new Attempt();
  const done = vi.fn();
  let answer = () => {};
  const running = attempt.run(() => new Promise<void>((resolve) => (answer = resolve)), done);
  expect(attempt.isBusy).toBe(true);
  attempt.begin();
  expect(attempt.isBusy).toBe(false);
  answer();
  await running;
  expect(done).not.toHaveBeenCalled();
});

it('marks no other question with a late refusal', async () => {
  const attempt = new Attempt();
  let refuse: (error: unknown) => void = () => {};
  const running = attempt.run(
    () => new Promise((_, reject: (error: unknown) => void) => (refuse = reject)),
    vi.fn(),
  );
  attempt.begin();
  refuse(new Error('late'));
  await running;
  expect(attempt.error).toBeNull();
});

it('keeps an error until the dialog is opened anew', async () => {
  const attempt = new Attempt();
  const done = vi.fn();
  await attempt.run(() => Promise.reject(new Error('taken')), done);
  expect(attempt.error).toEqual(new Error('taken'));
  expect(done).not.toHaveBeenCalled();
  attempt.begin();
  expect(attempt.error).toBeNull();
});
