import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { live, type Live } from '../src/api/live.svelte';
import { visibility } from '../src/api/visibility.svelte';
import { effectRoot } from './effect-root.svelte';

class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  isClosed = false;
  onopen?: () => void;
  onerror?: () => void;

  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }

  close() {
    this.isClosed = true;
  }
}

let stop: () => void;

function follow(path: () => string | null, got: unknown[] = []): Live {
  let found: Live | undefined;
  stop = effectRoot(() => {
    found = live(path, { query: (data) => got.push(data) });
  });
  flushSync();
  return found as Live;
}

beforeEach(() => {
  FakeSource.all = [];
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeSource);
});

afterEach(() => {
  stop();
  visibility.isShown = true;
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const newest = () => FakeSource.all.at(-1) as FakeSource;

test('a stream gives its events as values, and ends with its component', () => {
  const got: unknown[] = [];
  const found = follow(() => '/api/v1/queries/live', got);
  newest().onopen?.();
  newest().dispatchEvent(new MessageEvent('query', { data: '{"name":"a"}' }));
  expect(found.state).toBe('open');
  expect(got).toEqual([{ name: 'a' }]);
  stop();
  expect(newest().isClosed).toBe(true);
});

test('a hidden tab has no stream, and a shown one has it again', () => {
  const found = follow(() => '/live');
  visibility.isShown = false;
  flushSync();
  expect(newest().isClosed).toBe(true);
  expect(found.state).toBe('paused');
  visibility.isShown = true;
  flushSync();
  expect(FakeSource.all).toHaveLength(2);
  expect(newest().isClosed).toBe(false);
});

test('a broken stream is tried again, each time after a longer wait', () => {
  const found = follow(() => '/live');
  newest().onerror?.();
  expect(found.state).toBe('waiting');
  vi.advanceTimersByTime(1_000);
  expect(FakeSource.all).toHaveLength(2);
  newest().onerror?.();
  vi.advanceTimersByTime(1_000);
  expect(FakeSource.all).toHaveLength(2);
  vi.advanceTimersByTime(1_000);
  expect(FakeSource.all).toHaveLength(3);
});
