// What can go wrong between the page and the API.
import type { components } from './schema';

/** A problem document (RFC 9457), as the API writes it. */
export type Problem = Required<components['schemas']['ProblemDocument']>;

/** The API refused a request and said why. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = 'ProblemError';
  }

  /** The last word of the type, such as `not_found`: for programs. */
  get word(): string {
    return this.problem.type.split(':').at(-1) ?? '';
  }
}

/** Nobody answered: the connection is lost, or control is restarting. */
export class LostError extends Error {
  constructor() {
    super('no answer');
    this.name = 'LostError';
  }
}

/** The word of a problem, or an empty one for every other error. */
export function wordOf(error: unknown): string {
  return error instanceof ProblemError ? error.word : '';
}
