import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { api } from '../../src/api/client';
import { queryClient } from '../../src/api/query-client';
import { session } from '../../src/api/session.svelte';
import { isFresh } from '../../src/app/fresh';
import type { Result } from '../../src/documents/changes';
import Finish from '../../src/start/Finish.svelte';
import Review from '../../src/start/Review.svelte';
import Start from '../../src/start/Start.svelte';
import { known } from './known';
import Within from './Within.svelte';

type Answers = Record<string, unknown>;

/** Answers each path of the API with this body, and all others with an error. */
function answer(answers: Answers): void {
  const give = (path: string) =>
    Promise.resolve(
      path in answers
        ? { data: answers[path], response: new Response() }
        : { error: {}, response: new Response('', { status: 503 }) },
    );
  vi.spyOn(api, 'GET').mockImplementation(give as unknown as typeof api.GET);
}

const POLICY = known('Policy', 'default', '  default: allow\n');
const DOCUMENTS = { '/api/v1/documents': { items: [POLICY], next: null } };

beforeEach(() => vi.spyOn(session, 'may').mockReturnValue(true));
afterEach(() => {
  cleanup();
  queryClient.clear();
  vi.restoreAllMocks();
});

test('nothing can be checked while what is there is not known', async () => {
  answer(DOCUMENTS);
  const { unmount } = render(Within, { props: { part: Start } });
  expect(await screen.findByRole('alert')).toBeDefined();
  const check = () => screen.getByRole('button', { name: 'Check all' }) as HTMLButtonElement;
  expect(check().disabled).toBe(true);
  unmount();
  queryClient.clear();
  answer({ ...DOCUMENTS, '/api/v1/lists/catalog': { items: [] } });
  render(Within, { props: { part: Start } });
  await vi.waitFor(() => expect(check().disabled).toBe(false));
});

test('the review says what is checked, stored and in force', () => {
  const result: Result = { advice: [], change: 1, effects: [], is_in_force: false, why: 'busy' };
  const draft = { kind: 'Policy' as const, name: 'first', version: 1 };
  const documents = [{ ...draft, before: 'a: 1\n', text: 'a: 2\n' }];
  const said = (isDryRun: boolean, isInForce: boolean) => {
    const outcome = {
      proposal: { documents, warnings: ['Look here.'] },
      result: { ...result, is_in_force: isInForce },
      isDryRun,
    };
    const { container, unmount } = render(Review, { outcome });
    const text = container.textContent;
    expect(text).toContain('Look here.');
    expect(text).toContain('a: 2');
    unmount();
    return text;
  };
  expect(said(true, true)).toContain('Nothing is changed yet.');
  expect(said(true, true)).not.toContain('Stored');
  expect(said(false, true)).toContain('Stored and in force.');
  expect(said(false, false)).not.toContain('Stored and in force.');
  expect(said(false, false)).toContain('Not in force yet: busy');
});

test('a name that is tried twice is shown once', async () => {
  const explained = { name: 'www.example.org', outcome: 'forwarded', meaning: 'It is asked.' };
  answer({ '/api/v1/explain': explained });
  const given = { first: 'WWW.example.org.', listeners: { udp: ['0.0.0.0:53'] } };
  render(Within, { props: { part: Finish, given } });
  expect((await screen.findAllByText('It is asked.')).length).toBe(1);
  expect(screen.queryByText(/0\.0\.0\.0/)).toBeNull();
});

test('two names that the API calls the same are two lines', async () => {
  const explained = { name: 'www.example.org', outcome: 'forwarded', meaning: 'It is asked.' };
  answer({ '/api/v1/explain': explained });
  const given = { first: 'other.example', listeners: {} };
  render(Within, { props: { part: Finish, given } });
  expect((await screen.findAllByText('It is asked.')).length).toBe(2);
});

test('only who has nothing but the first documents is led to the first steps', async () => {
  const shipped = known('Policy', 'default', '  default: allow\n');
  const strict = known('Policy', 'default', '  default: deny\n');
  const given = (items: unknown[], lists: unknown[] = [], next: string | null = null) =>
    answer({ '/api/v1/documents': { items, next }, '/api/v1/lists': { items: lists } });
  given([shipped]);
  expect(await isFresh()).toBe(true);
  given([strict]);
  expect(await isFresh()).toBe(false);
  given([shipped], [{}]);
  expect(await isFresh()).toBe(false);
  given([shipped], [], 'more');
  expect(await isFresh()).toBe(false);
});
