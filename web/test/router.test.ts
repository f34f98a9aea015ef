import { beforeEach, describe, expect, test } from 'vitest';

import { findPage, namedAddress } from '../src/app/pages';
import { link, readSearch, router } from '../src/app/router.svelte';

beforeEach(() => router.go('/', { replace: true }));

function press(html: string, how: MouseEventInit = {}): boolean {
  document.body.innerHTML = html;
  const event = new MouseEvent('click', { bubbles: true, cancelable: true, ...how });
  document.querySelector('a')?.dispatchEvent(event);
  return event.defaultPrevented;
}

describe('the router', () => {
  test('keeps what a view searches for in the address', () => {
    router.go(link('/log', { outcome: 'blocked', name: 'a b.example', client: undefined }));
    expect(router.path).toBe('/log');
    expect(location.search).toBe('?outcome=blocked&name=a+b.example');
    expect(readSearch(['name', 'outcome', 'client'])).toEqual({
      name: 'a b.example',
      outcome: 'blocked',
    });
  });

  test('changes one parameter and keeps the others', () => {
    router.go('/log?outcome=blocked&name=x');
    router.set({ name: null, type: 'AAAA' });
    expect(location.search).toBe('?outcome=blocked&type=AAAA');
  });

  test('follows the links of the page, and leaves all others to the browser', () => {
    expect(press('<a href="/log?outcome=failed">x</a>')).toBe(true);
    expect(router.path).toBe('/log');
    expect(press('<a href="/lists">x</a>', { ctrlKey: true })).toBe(false);
    expect(press('<a href="/lists" target="_blank">x</a>')).toBe(false);
    expect(press('<a href="/api/v1/oidc/login">x</a>')).toBe(false);
    expect(press('<a href="https://example.org/lists">x</a>')).toBe(false);
    expect(router.path).toBe('/log');
  });

  test('leaves a place on the same page to the browser, which scrolls there', () => {
    router.go('/lists/ads?range=1h');
    expect(press('<a href="#left-out">x</a>')).toBe(false);
    expect(press('<a href="/lists#left-out">x</a>')).toBe(true);
    expect(router.path).toBe('/lists');
  });

  test('finds pages by whole parts of a path', () => {
    expect(findPage('/')?.page.path).toBe('/');
    expect(findPage('/nowhere')).toBeUndefined();
  });

  test('opens the document that a path names, and nothing where a page has none', () => {
    const named = (path: string) => {
      const found = findPage(path);
      return found && namedAddress(found.page, found.rest);
    };
    expect(named('/policies/shop')).toBe('/policies?name=shop');
    expect(named('/lists/my%20ads')).toBe('/lists?name=my+ads');
    for (const path of ['/policies', '/policies/a/b', '/log/shop', '/clients/enroll']) {
      expect(named(path)).toBeUndefined();
    }
  });
});
