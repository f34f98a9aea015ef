import { render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import PageLoader from '../src/app/PageLoader.svelte';
import { pages, type Page } from '../src/app/pages';

const shown = (load: Page['load']) => {
  const page = { ...pages[0], load } as Page;
  render(PageLoader, { page, rest: [] });
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a page whose code is on its way', () => {
  test('says so when it takes long, and no sooner', async () => {
    shown(() => new Promise(() => undefined));
    await vi.advanceTimersByTimeAsync(300);
    expect(screen.queryByRole('status')).toBeNull();
    await vi.advanceTimersByTimeAsync(200);
    expect(screen.getByRole('status').textContent).toBe('Loading …');
  });

  test('says what to do where it does not come', async () => {
    shown(() => Promise.reject(new Error('gone')));
    await vi.advanceTimersByTimeAsync(500);
    expect(screen.getByRole('button', { name: 'Load again' })).toBeDefined();
  });
});
