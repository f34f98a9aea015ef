import type { Schemas } from '../../api/client';
import type { User } from '../../api/session.svelte';

/** A token with its secret; nobody can show that again. */
export type NewToken = Schemas['TokenCreated'];

/**
 * Whether a token of this person ends with an account here, and so may have no date at its end.
 * People of an identity provider have no account.
 */
export const endsWithAccount = (user: User | null | undefined): boolean =>
  user?.has_password ?? false;
