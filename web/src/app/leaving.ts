// What is shown once or typed must not go with a press beside it: the page asks before it is left.
import { text } from '../strings';

const held = new Map<object, string>();
const ask = (event: BeforeUnloadEvent) => event.preventDefault();

/** Something would be lost, as the question says. Returns how to say that it was put away. */
export function holdPage(question: string = text.app.leave): () => void {
  const one = {};
  held.set(one, question);
  window.addEventListener('beforeunload', ask);
  return () => {
    held.delete(one);
    if (held.size === 0) window.removeEventListener('beforeunload', ask);
  };
}

/** Whether the page may be left; the person is asked where something would be lost. */
export function mayLeave(): boolean {
  const question = [...held.values()].at(-1);
  return question === undefined || window.confirm(question);
}
