// Changes of documents: check, apply, delete, roll back.
import { api, read, type Schemas } from '../api/client';
import { ProblemError } from '../api/problem';
import { queryClient } from '../api/query-client';
import type { Kind } from './kinds';
import { readPath, type Path } from './path';

/** What came of a change, or would come of it. */
export type Result = Schemas['ApplyResult'];

/** One error of a document, with its place. */
export interface DocumentProblem {
  path: Path;
  line: number;
  why: string;
  /** Where it is, if that is in another document. */
  elsewhere: string;
}

/** What is changed: the version that was seen is null for a new document. */
export interface Change {
  kind: Kind;
  name: string;
  text: string;
  version: number | null;
}

/** Applies a change, or only checks it. Throws {@link ProblemError}. */
export async function apply(
  { kind, name, text, version }: Change,
  { message = '', isDryRun = false, signal }: ApplyOptions = {},
): Promise<Result> {
  const result = await read(
    api.PUT('/api/v1/documents/{kind}/{name}', {
      params: { path: { kind, name }, header: seen(version) },
      body: {
        text,
        file: name,
        overwrite: false,
        message: message || null,
        is_dry_run: isDryRun,
      },
      signal,
    }),
  );
  if (!isDryRun) await changed();
  return result;
}

interface ApplyOptions {
  message?: string;
  isDryRun?: boolean;
  signal?: AbortSignal;
}

const seen = (version: number | null) =>
  version === null ? { 'if-none-match': '*' } : { 'if-match': `"v${version}"` };

/** Deletes a stored document. */
export async function remove(
  kind: Kind,
  name: string,
  version: number,
  message: string,
): Promise<Result> {
  const params = {
    path: { kind, name },
    header: seen(version),
    query: message ? { message } : {},
  };
  const result = await read(api.DELETE('/api/v1/documents/{kind}/{name}', { params }));
  await changed();
  return result;
}

/** Restores an earlier version, as a new one. */
export async function rollBack(kind: Kind, name: string, to: number): Promise<Result> {
  const result = await read(
    api.POST('/api/v1/documents/{kind}/{name}/rollback', {
      params: { path: { kind, name } },
      body: { to },
    }),
  );
  await changed();
  return result;
}

/** What a change of documents makes old. */
export async function changed(): Promise<void> {
  const stale = ['documents', 'lists', 'status'];
  await Promise.all(stale.map((one) => queryClient.invalidateQueries({ queryKey: [one] })));
}

/** The single errors of a refusal that is about documents; none for every other error. */
export function problemsOf(error: unknown, document: string): DocumentProblem[] {
  if (!(error instanceof ProblemError)) return [];
  return error.problem.problems
    .filter((one) => one.path !== undefined && one.line !== undefined)
    .map((one) => ({
      path: readPath(one.path ?? ''),
      line: one.line ?? 0,
      why: one.why,
      // A document that has no name yet is called by its kind alone.
      elsewhere: one.document?.includes('/') && one.document !== document ? one.place : '',
    }));
}

/** A document and the version that its change is based on; 0 for a new one. */
export interface Draft {
  text: string;
  version: number;
}

/** Applies several documents together, all or none; or only checks them. */
export async function applyAll(
  drafts: Draft[],
  message: string,
  isDryRun = false,
): Promise<Result> {
  const stream = drafts.map(({ text, version }) => `# keyhole-version: ${version}\n${text}`);
  const body = {
    text: stream.join('\n---\n'),
    file: 'page',
    overwrite: false,
    message: message || null,
    is_dry_run: isDryRun,
  };
  const result = await read(api.POST('/api/v1/documents', { body }));
  if (!isDryRun) await changed();
  return result;
}
