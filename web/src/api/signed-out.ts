// Tells the session that the API does not know it any more. A file of its own, because the client
// and the session would import each other.
import type { Problem } from './problem';

type Listener = (problem: Problem) => void;

let listener: Listener = () => undefined;

/** Who is told when the API does not know the session. */
export function onSignedOut(told: Listener): void {
  listener = told;
}

/** The API does not know the session. */
export function signedOut(problem: Problem): void {
  listener(problem);
}
