import type { Schemas } from '../../api/client';
import type { User } from '../../api/session.svelte';

/** A password that works once; nobody can show it again. */
export type OneTime = Schemas['OneTimePassword'];

/** Whether this account is the one that is signed in; a login by a provider has no account. */
export const isOwn = (name: string, user: User | null | undefined): boolean =>
  user?.name === name && user.has_password;

/**
 * Whether the password of this account may be reset here. Not the own one: its session would end,
 * and the new password was on this page alone. The account page changes it.
 */
export const mayReset = (name: string, user: User | null | undefined): boolean =>
  !isOwn(name, user);
