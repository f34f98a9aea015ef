import '@testing-library/svelte/vitest';
import { render, screen } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { keepFocus } from '../src/app/focus';
import Button from '../src/parts/Button.svelte';

const FORM = `
  <button id="before">Before</button>
  <p id="bar">many <button id="show">Show 3 new</button> <button id="pause">Pause</button></p>
  <ul><li id="one"><a href="/1">1</a></li><li id="two"><a href="/2">2</a></li></ul>
  <p><button id="last">Last</button></p>`;
let end = () => {};
const one = (id: string) => document.getElementById(id) as HTMLElement;
const focused = () => document.activeElement as HTMLElement;

beforeEach(() => {
  document.body.innerHTML = `<div id="app"><main id="main" tabindex="-1">${FORM}</main></div>`;
  history.replaceState(null, '', '/log');
  end = keepFocus();
});
afterEach(() => {
  end();
  document.body.innerHTML = '';
});

it('gives the keys to the control beside the one that vanished', async () => {
  one('show').focus();
  one('show').remove();
  await vi.waitFor(() => expect(focused().id).toBe('pause'));
});

it('gives the keys to what stands where the control stood', async () => {
  one('show').addEventListener('click', () => {
    one('show').outerHTML = '<button id="again">Again</button>';
  });
  one('show').focus();
  one('show').click();
  await vi.waitFor(() => expect(focused().id).toBe('again'));
});

it('gives the keys to the next row, and after the last one to the row before', async () => {
  one('one').querySelector('a')?.focus();
  one('one').remove();
  await vi.waitFor(() => expect(focused().textContent).toBe('2'));
  one('two').insertAdjacentHTML('beforebegin', '<li id="new"><a href="/0">0</a></li>');
  one('two').remove();
  await vi.waitFor(() => expect(focused().textContent).toBe('0'));
});

it('gives the keys to the first of those that the press has shown', async () => {
  one('last').insertAdjacentHTML('beforebegin', '<button id="more">Show 2 more</button>');
  one('more').addEventListener('click', () => {
    for (const name of ['3', '4']) {
      const row = document.createElement('li');
      row.innerHTML = `<a href="/${name}">${name}</a>`;
      document.querySelector('ul')?.append(row);
    }
    one('more').remove();
  });
  one('more').focus();
  one('more').click();
  await vi.waitFor(() => expect(focused().textContent).toBe('3'));
});

it('keeps the keys on a control that only moves', async () => {
  const link = one('one').querySelector('a');
  link?.focus();
  one('two').after(one('one'));
  await vi.waitFor(() => expect(focused()).toBe(link));
});

it('gives the keys to the page where another one came', async () => {
  one('last').focus();
  history.replaceState(null, '', '/lists');
  one('main').innerHTML = '<h1>Lists</h1><button>Add</button>';
  await vi.waitFor(() => expect(focused().id).toBe('main'));
});

it('takes the keys from nobody, and gives none to a person who pressed elsewhere', async () => {
  const wait = () => new Promise((done) => setTimeout(done, 50));
  one('show').focus();
  one('show').remove();
  one('last').focus();
  await wait();
  expect(focused().id).toBe('last');
  one('last').blur();
  await wait();
  one('last').remove();
  await wait();
  expect(focused()).toBe(document.body);
});

it('lets a busy button keep the focus, and takes neither a second press nor a form from it', async () => {
  const press = vi.fn((event: MouseEvent) => event.defaultPrevented);
  const children = createRawSnippet(() => ({ render: () => '<span>Save</span>' }));
  const given = { children, onclick: press, type: 'submit' as const };
  const { rerender } = render(Button, given);
  const button = screen.getByRole('button', { name: 'Save' });
  button.focus();
  button.click();
  expect(press).toHaveBeenCalledTimes(1);
  await rerender({ ...given, isBusy: true });
  const second = new MouseEvent('click', { bubbles: true, cancelable: true });
  button.dispatchEvent(second);
  expect(press).toHaveBeenCalledTimes(1);
  expect(second.defaultPrevented).toBe(true);
  expect(focused()).toBe(button);
});
