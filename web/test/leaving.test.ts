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
