// The typed client of the API. Types are generated from schema/openapi.json (`npm run gen`).
import createClient from 'openapi-fetch';

import { LostError, ProblemError, type Problem } from './problem';
import type { components, paths } from './schema';
import { connection } from './connection.svelte';
import { signedOut } from './signed-out';

/** The schemas of the API by name: `Schemas['Status']`. */
export type Schemas = components['schemas'];

/**
 * The client: `api.GET('/api/v1/status', { params, signal })`. Give its promise to {@link read}.
 * The header says that our own page asks (see api/middleware/csrf.py); the session is a cookie that
 * scripts cannot read.
 */
export const api = createClient<paths>({
  headers: { 'x-keyhole-request': 'page' },
  credentials: 'same-origin',
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The body of an answer. Throws {@link ProblemError} with the problem document of the API, or
 * {@link LostError} where there was no answer at all.
 */
export async function read<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    connection.lost();
    throw new LostError();
  }
  connection.works();
  if (answer.response.ok) return answer.data as T;
  const problem = problemOf(answer.error, answer.response);
  // A wrong password or code is no reason to end the session.
  if (problem.type.endsWith(':not_authenticated')) signedOut(problem);
  throw new ProblemError(problem);
}

function problemOf(body: unknown, response: Response): Problem {
  const given = typeof body === 'object' && body !== null ? (body as Partial<Problem>) : {};
  return {
    type: given.type ?? 'about:blank',
    title: given.title ?? response.statusText,
    status: response.status,
    detail: given.detail ?? `${response.status} ${response.statusText}`.trim(),
    problems: given.problems ?? [],
  };
}
