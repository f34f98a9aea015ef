import { expect, it } from 'vitest';

import type { User } from '../../src/api/session.svelte';
import { endsWithAccount } from '../../src/settings/tokens/token';

it('wants an end for tokens of people who have no account here', () => {
  expect(endsWithAccount({ name: 'anna', has_password: true } as User)).toBe(true);
  expect(endsWithAccount({ name: 'anna', has_password: false } as User)).toBe(false);
});
