// What is shown once must not go with a press beside it: the page asks before it is left.
import { text } from '../strings';

const held = new Set<object>();
const ask = (event: BeforeUnloadEvent) => event.preventDefault();

/** Something is shown that nobody can show again. Returns how to say that it was put away. */
export function holdPage(): () => void {
  const one = {};
  held.add(one);
  window.addEventListener('beforeunload', ask);
  return () => {
    held.delete(one);
    if (held.size === 0) window.removeEventListener('beforeunload', ask);
  };
}

/** Whether the page may be left; the person is asked where something would be lost. */
export const mayLeave = (): boolean => held.size === 0 || window.confirm(text.app.leave);
