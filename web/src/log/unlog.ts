// Names whose queries are no longer logged: what that concerns, and the document that says so.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read } from '../api/client';
import { apply, type Result } from '../documents/changes';
import { newText, type StoredDocument } from '../documents/kinds';
import { valueAt } from '../documents/path';
import { readYaml, setValue } from '../documents/yaml-text';

/** The document to which the log adds names. */
export const DOCUMENT = 'unlogged';
const PLACE = ['spec', 'names'];

/** A name as the log has it, and whether all names below are meant too. */
export interface Names {
  name: string;
  below: boolean;
}

/** How many queries of the history were for these names. */
export const pastQuery = ({ name, below }: Names) =>
  queryOptions({
    queryKey: ['queries', 'past', name, below],
    queryFn: async ({ signal }) => {
      const query = { points: 2, ...(below ? { below: name } : { name }) };
      return (await read(api.GET('/api/v1/queries/histogram', { params: { query }, signal })))
        .total;
    },
    staleTime: 10_000,
  });

/** The text of the document with these names, which are written as documents write them. */
export function withNames(text: string, { name, below }: Names): string {
  const found = valueAt(readYaml(text).value, PLACE);
  const names = (Array.isArray(found) ? found : found === undefined ? [] : [found]).map(String);
  const added = [name, ...(below ? [`*.${name}`] : [])];
  return setValue(text, PLACE, [...new Set([...names, ...added])]);
}

/** Adds the names to the document, or makes it. */
export function stopLogging(
  stored: StoredDocument | undefined,
  names: Names,
  message: string,
): Promise<Result> {
  const text = withNames(stored?.text ?? newText('LogExclusion', DOCUMENT), names);
  return apply(
    { kind: 'LogExclusion', name: DOCUMENT, text, version: stored?.version ?? null },
    { message },
  );
}
