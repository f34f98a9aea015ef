import { expect, test } from 'vitest';

import type { Draft, Result } from '../../src/documents/changes';
import { Plan } from '../../src/start/plan.svelte';
import { known } from './known';

const BASE = [known('Policy', 'default', '  default: allow\n')];
const result = (more: Partial<Result> = {}): Result => ({
  advice: [],
  change: null,
  effects: [],
  is_in_force: true,
  why: '',
  ...more,
});

/** A plan whose requests wait until they are answered. */
function made() {
  const sent: { drafts: Draft[]; isDryRun: boolean; answer: (one: Result) => void }[] = [];
  const plan = new Plan(
    (drafts, _, isDryRun) =>
      new Promise((answer) => {
        sent.push({ drafts, isDryRun, answer });
      }),
  );
  const last = () => sent.at(-1) as (typeof sent)[number];
  return { plan, sent, last };
}

test('a late answer says nothing of later choices', async () => {
  const { plan, sent, last } = made();
  const early = plan.check(BASE, []);
  plan.own = 'later.example';
  plan.touch();
  expect(plan.busy).toBe('');
  const late = plan.check(BASE, []);
  sent[0]?.answer(result({ why: 'early' }));
  await early;
  expect(plan.outcome).toBeNull();
  expect(plan.busy).toBe('check');
  last().answer(result({ why: 'late' }));
  await late;
  expect(plan.outcome?.result.why).toBe('late');
  expect(plan.busy).toBe('');
});

test('what is applied is what was checked', async () => {
  const { plan, sent, last } = made();
  const check = plan.check(BASE, []);
  last().answer(result());
  await check;
  // Not touched: as if a choice had changed without a word of it.
  plan.own = 'other.example';
  const apply = plan.apply();
  expect(last().isDryRun).toBe(false);
  expect(last().drafts).toEqual(sent[0]?.drafts);
  await plan.check(BASE, []);
  expect(sent.length).toBe(2);
  last().answer(result());
  await apply;
  expect(plan.outcome?.isDryRun).toBe(false);
  expect(plan.checked).toBeUndefined();
});

test('a check after something was applied is a check', async () => {
  const { plan, last } = made();
  for (const run of [() => plan.check(BASE, []), () => plan.apply()]) {
    const running = run();
    last().answer(result());
    await running;
  }
  expect(plan.isFinished).toBe(true);
  plan.touch();
  expect(plan.outcome).toBeNull();
  const again = plan.check(BASE, []);
  last().answer(result());
  await again;
  expect(plan.outcome?.isDryRun).toBe(true);
  expect(plan.isFinished).toBe(true);
});

test('nothing is applied that was not checked', async () => {
  const { plan, sent } = made();
  await plan.apply();
  expect(sent).toEqual([]);
});

test('what was applied is not lost by leaving, whatever is chosen next, and what was not is', async () => {
  const { plan, last } = made();
  expect(plan.isEntered).toBe(false);
  plan.own = 'ads.example';
  expect(plan.isEntered).toBe(true);
  for (const run of [() => plan.check(BASE, []), () => plan.apply()]) {
    const running = run();
    expect(plan.isEntered).toBe(true);
    last().answer(result());
    await running;
  }
  expect(plan.isEntered).toBe(false);
  plan.upstreams = ['quad9'];
  plan.touch();
  expect(plan.isEntered).toBe(false);
  plan.own = 'ads.example, more.example';
  plan.touch();
  expect(plan.isEntered).toBe(true);
});
