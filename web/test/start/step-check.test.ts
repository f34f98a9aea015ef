import { expect, test } from 'vitest';

import type { Draft, Result } from '../../src/documents/changes';
import { Plan } from '../../src/start/plan.svelte';
import { StepCheck, type Part } from '../../src/start/step-check.svelte';
import { known } from './known';

const BASE = [known('Policy', 'default', '  default: allow\n')];
const LIST = { name: 'ads', url: 'https://lists.example/ads' } as never;
const result: Result = { advice: [], change: null, effects: [], is_in_force: true, why: '' };

function made(part: Part, answers: string[] = []) {
  const sent: Draft[][] = [];
  const plan = new Plan();
  const send = (drafts: Draft[], _: string, isDryRun: boolean) => {
    expect(isDryRun).toBe(true);
    sent.push(drafts);
    return Promise.resolve(result);
  };
  const ask = (name: string) => Promise.resolve({ is_answered: answers.includes(name) } as never);
  return { plan, sent, check: new StepCheck(plan, part, send, ask) };
}

test('each step sends what it alone would store', async () => {
  const kinds: Record<Part, string> = { upstreams: 'Upstream', lists: 'List', networks: 'Policy' };
  for (const part of ['upstreams', 'lists', 'networks'] as const) {
    const { plan, sent, check } = made(part);
    plan.upstreams = ['quad9'];
    plan.lists = ['ads'];
    plan.networks = '192.0.2.0/24';
    await check.run(BASE, [LIST], []);
    expect(sent[0]?.every(({ text }) => text.includes(`kind: ${kinds[part]}`))).toBe(true);
    expect(sent[0]?.length).toBe(1);
  }
});

test('the chosen upstreams are asked, and those without an answer are named', async () => {
  const { plan, check } = made('upstreams', ['good']);
  await check.run(BASE, [], ['good', 'bad']);
  expect(check.found).toMatchObject({ asked: 2, silent: ['bad'], result: null });
  plan.upstreams = ['good'];
  expect(check.found).toBeNull();
  await check.run(BASE, [], ['good', 'bad']);
  expect(check.found).toMatchObject({ asked: 1, silent: [] });
});

test('what was found for a step stays while another step changes', async () => {
  const { plan, check } = made('lists');
  plan.lists = ['ads'];
  await check.run(BASE, [LIST], []);
  plan.networks = '10.0.0.0/8';
  plan.touch();
  expect(check.found).not.toBeNull();
  plan.own = 'more.example';
  expect(check.found).toBeNull();
});
