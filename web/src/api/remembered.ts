// Who was signed in last in this browser. A page begins with them while the API is asked, so that
// figures come with the first answer; what a person may do is always decided by control.
import type { Schemas } from './client';

type User = Schemas['CurrentUser'];

const KEY = 'keyhole.user';

/** The person; undefined where nobody was signed in. */
export function remembered(): User | undefined {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Partial<User> | null;
    if (typeof found?.name !== 'string' || typeof found.role !== 'string') return undefined;
    return {
      name: found.name,
      role: found.role,
      via: 'session',
      must_change_password: false,
      has_second_factor: found.has_second_factor === true,
      has_password: found.has_password === true,
      session: null,
    };
  } catch {
    return undefined;
  }
}

/** Remembers a person, or nobody. One who must choose a password first may not begin yet. */
export function remember(user: User | null | undefined): void {
  try {
    if (!user || user.must_change_password) localStorage.removeItem(KEY);
    else {
      const { name, role, has_second_factor, has_password } = user;
      localStorage.setItem(KEY, JSON.stringify({ name, role, has_second_factor, has_password }));
    }
  } catch {
    // Without storage each page asks first who is there.
  }
}
