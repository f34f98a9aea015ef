import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { holdPage } from '../src/app/leaving';
import { router } from '../src/app/router.svelte';

const confirm = vi.fn();
let release = () => {};
const isAsked = () => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }));

beforeEach(() => {
  router.go('/settings/tokens', { replace: true });
  confirm.mockReset();
  vi.stubGlobal('confirm', confirm);
  release = holdPage();
});

afterEach(() => {
  release();
  vi.unstubAllGlobals();
});

it('asks before the page is left while something is shown once', () => {
  confirm.mockReturnValueOnce(false);
  router.go('/log');
  expect(router.path).toBe('/settings/tokens');
  confirm.mockReturnValueOnce(true);
  router.go('/log');
  expect(router.path).toBe('/log');
  expect(isAsked()).toBe(true);
});

it('keeps the address where the person does not go back', () => {
  confirm.mockReturnValueOnce(false);
  history.replaceState(null, '', '/log');
  window.dispatchEvent(new PopStateEvent('popstate'));
  expect(router.path).toBe('/settings/tokens');
  expect(location.pathname).toBe('/settings/tokens');
});

it('asks nothing where only the search changes, or everything was put away', () => {
  router.set({ who: 'anna' });
  const second = holdPage();
  release();
  expect(isAsked()).toBe(true);
  second();
  expect(isAsked()).toBe(false);
  router.go('/log');
  expect(router.path).toBe('/log');
  expect(confirm).not.toHaveBeenCalled();
});

it('asks with the words of what would be lost', () => {
  const typed = holdPage('Your changes are lost.');
  router.go('/log');
  expect(confirm).toHaveBeenCalledWith('Your changes are lost.');
  typed();
});

it('asks before another document is opened on the same page, and not for another view of it', () => {
  release();
  router.go('/policies?name=web', { replace: true });
  release = holdPage();
  router.set({ view: 'review' }, { replace: false });
  expect(confirm).not.toHaveBeenCalled();
  for (const to of ['/policies', '/policies?name=other', '/policies?new=1']) {
    router.go(to);
    expect(router.params.get('name')).toBe('web');
  }
  expect(confirm).toHaveBeenCalledTimes(3);
});
