// Completion in the search box: fields, then their values from the log itself.
import { api, read } from '../api/client';
import type { paths } from '../api/schema';
import { text } from '../strings';
import { FIELDS, type Field } from './filters';

/** One suggestion: what the word becomes, and what it means. */
export interface Suggestion {
  /** The whole word, such as `outcome:blocked`. */
  word: string;
  about: string;
}

type Dimension = paths['/api/v1/queries/top/{dimension}']['get']['parameters']['path']['dimension'];

const DIMENSIONS: Partial<Record<Field, Dimension>> = {
  name: 'name',
  below: 'domain',
  client: 'client',
  type: 'type',
  outcome: 'outcome',
  reason: 'reason',
  policy: 'policy',
  list: 'list',
  rule: 'rule',
  upstream: 'upstream',
  transport: 'transport',
  engine: 'engine',
};
/** Fields that take these words alone. */
const WORDS: Partial<Record<Field, string[]>> = {
  client_kind: ['identity', 'claimed', 'token', 'address', 'anonymous'],
  protection: [
    'open',
    'protected',
    'unencrypted',
    'unauthenticated',
    'encrypted_only',
    'authenticated_only',
    'neither',
  ],
  proof: ['certificate', 'token', 'network', 'unproved', 'unknown'],
  tls: ['1.3', '1.2', 'none', 'unknown'],
  upstream_tls: ['1.3', '1.2', 'none'],
};
const MAX_SHOWN = 8;
const MAX_VALUES = 200;

/** The word at the cursor: its place in the text, its field and the part that is written. */
export interface WordAt {
  from: number;
  to: number;
  field: Field | undefined;
  part: string;
}

/** The word of the search box in which the cursor stands. */
export function wordAt(written: string, cursor: number): WordAt {
  const before = /\S*$/.exec(written.slice(0, cursor))?.[0] ?? '';
  const from = cursor - before.length;
  const [field, ...rest] = before.split(':');
  const known = FIELDS.find((one) => one === field?.toLowerCase());
  const isValue = known !== undefined && before.includes(':');
  return {
    from,
    to: cursor,
    field: isValue ? known : undefined,
    part: isValue ? rest.join(':').replace(/^"/, '') : before,
  };
}

/** The fields that begin so. */
export function fieldSuggestions(part: string): Suggestion[] {
  return FIELDS.filter((field) => field.startsWith(part.toLowerCase())).map((field) => ({
    word: `${field}:`,
    about: text.log.fields[field],
  }));
}

/** The values of a field that contain the part, the most frequent first. */
export function valueSuggestions(field: Field, part: string, values: string[]): Suggestion[] {
  const wanted = part.toLowerCase();
  return values
    .filter((value) => value.toLowerCase().includes(wanted))
    .slice(0, MAX_SHOWN)
    .map((value) => ({
      word: `${field}:${/[\s"]/.test(value) ? JSON.stringify(value) : value}`,
      about: '',
    }));
}

/** How to ask for the values of a field; none for one that has none. */
export function valuesQuery(field: Field | undefined, since: string | undefined) {
  const dimension = field && DIMENSIONS[field];
  const words = field && WORDS[field];
  return {
    queryKey: ['queries', 'values', field],
    enabled: dimension !== undefined || words !== undefined,
    staleTime: 60_000,
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<string[]> => {
      if (dimension === undefined) return words ?? [];
      const query = { most: MAX_VALUES, ...(since ? { since } : {}) };
      const params = { path: { dimension }, query };
      const found = await read(api.GET('/api/v1/queries/top/{dimension}', { params, signal }));
      return found.items.map((one) => one.value);
    },
  };
}
