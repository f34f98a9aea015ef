// Who uses the page, and what their role allows.
import { api, read, type Schemas } from './client';
import { ProblemError } from './problem';
import { remember, remembered } from './remembered';
import { onSignedOut } from './signed-out';

/** The person that is signed in. */
export type User = Schemas['CurrentUser'];
/** The roles, each with the rights of those before it. */
export type Role = 'viewer' | 'operator' | 'administrator';

const RANKS: Record<Role, number> = { viewer: 0, operator: 1, administrator: 2 };

class Session {
  /** Whether the API has said who is there: until then it is who was there last. */
  isConfirmed = false;
  /** Whether a session ended while the page was open. */
  hasEnded = $state(false);
  #user = $state<User | null | undefined>(remembered());

  constructor() {
    onSignedOut(() => {
      if (this.user) this.hasEnded = true;
      this.user = null;
    });
  }

  /** The person; null without a session, undefined until that is known. */
  get user(): User | null | undefined {
    return this.#user;
  }

  set user(user: User | null | undefined) {
    this.isConfirmed = true;
    this.#user = user;
    remember(user);
  }

  /** Whether the person has this role or a higher one. */
  may(role: Role): boolean {
    const own = this.user?.role as Role | undefined;
    return own !== undefined && RANKS[own] >= RANKS[role];
  }

  /** Asks the API who has the session cookie. */
  async load(): Promise<void> {
    try {
      this.user = await read(api.GET('/api/v1/session'));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.user = null;
    }
  }

  /** Signs in; `code` is needed with a second factor. Throws {@link ProblemError}. */
  async signIn(name: string, password: string, code: string | null): Promise<void> {
    this.user = await read(api.POST('/api/v1/session', { body: { name, password, code } }));
    this.hasEnded = false;
  }

  /** Signs in with a one-time link. Throws {@link ProblemError}. */
  async signInByLink(secret: string, code: string | null): Promise<void> {
    this.user = await read(api.POST('/api/v1/session/link', { body: { secret, code } }));
    this.hasEnded = false;
  }

  /** Sets a new password; `current` is not needed for a one-time password. */
  async changePassword(current: string | null, fresh: string): Promise<void> {
    this.user = await read(api.PUT('/api/v1/session/password', { body: { current, new: fresh } }));
  }

  /** Ends the session, here and in control. */
  async signOut(): Promise<void> {
    try {
      await read(api.DELETE('/api/v1/session'));
    } finally {
      this.user = null;
      this.hasEnded = false;
    }
  }
}

/** The session of this browser. */
export const session = new Session();
