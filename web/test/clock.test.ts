import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ago, end } from '../src/parts/format';
import { shown } from './clock.svelte';

const BEGIN = Date.parse('2026-01-01T12:00:00Z');

let stop: () => void;
let seen: string[];

function hide(hidden: boolean) {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
  flushSync();
}

function pass(seconds: number) {
  vi.advanceTimersByTime(seconds * 1_000);
  flushSync();
}

beforeEach(() => {
  vi.useFakeTimers({ now: BEGIN });
  seen = [];
});

afterEach(() => {
  stop();
  hide(false);
  vi.useRealTimers();
});

test('an age and the time until an end go on while they are shown', () => {
  stop = shown(() => seen.push(`${ago(BEGIN - 58_000)}, ${end(BEGIN + 61_000)}`));
  pass(2);
  expect(seen.at(0)).toBe('58 seconds ago, in 1 minute');
  expect(seen.at(-1)).toBe('1 minute ago, in 59 seconds');
});

test('a hidden tab does nothing, and is right at once when it is shown', () => {
  stop = shown(() => seen.push(ago(BEGIN - 60_000)));
  hide(true);
  expect(vi.getTimerCount()).toBe(0);
  pass(3_600);
  expect(seen).toEqual(['1 minute ago']);
  hide(false);
  expect(seen.at(-1)).toBe('1 hour ago');
  expect(vi.getTimerCount()).toBe(1);
});

test('one timer is for all ages, and ends with the last of them', () => {
  const stops = [1, 2, 3].map((at) => shown(() => seen.push(ago(BEGIN - at * 1_000))));
  expect(vi.getTimerCount()).toBe(1);
  stop = () => stops.forEach((one) => one());
  stop();
  // It ends after the change that has taken the last of them away.
  vi.advanceTimersByTime(0);
  return Promise.resolve().then(() => expect(vi.getTimerCount()).toBe(0));
});
