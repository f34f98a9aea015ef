import { expect, it } from 'vitest';

import type { User } from '../../src/api/session.svelte';
import { mayReset } from '../../src/settings/people/person';

const user = (name: string, has_password: boolean) => ({ name, has_password }) as User;

it('offers a reset for others and not for the own account', () => {
  expect(mayReset('anna', user('anna', true))).toBe(false);
  expect(mayReset('tom', user('anna', true))).toBe(true);
});

it('takes a login by a provider for no account of the same name', () => {
  expect(mayReset('anna', user('anna', false))).toBe(true);
});
