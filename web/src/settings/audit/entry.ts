// What an entry of the audit trail is about.
import type { Schemas } from '../../api/client';
import { fullTime } from '../../parts/format';
import { text } from '../../strings';

export type Entry = Schemas['AuditEntry'];
type Detail = Entry['detail'];

const SUBJECTS = ['person', 'token', 'name', 'identity', 'policy', 'file'];

/** person_added as Person added. */
export function sentenceOf(word: string): string {
  const plain = word.replaceAll('_', ' ');
  return `${plain[0]?.toUpperCase() ?? ''}${plain.slice(1)}`;
}

/** What was done, in words for people. */
export const actionText = (action: string): string =>
  text.settings.audit.sentences[action] ?? sentenceOf(action);

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The person, the token, the name with its client, the documents, or what was revoked. */
export function subjectsOf(detail: Detail): string[] {
  const named = SUBJECTS.map((key) => detail[key]).find((one) => typeof one === 'string');
  const { client } = detail;
  if (typeof named === 'string') return [named, ...(typeof client === 'string' ? [client] : [])];
  const found = [detail.before, detail.after].flatMap((one) =>
    isTable(one) ? Object.entries(one).flatMap(subjectOf) : [],
  );
  return [...new Set(found)];
}

/** A document by its kind and name, or what stands in a list: identities and certificates. */
function subjectOf([key, value]: [string, unknown]): string[] {
  if (key.includes('/')) return [key];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

const ORDER = ['before', 'after'];
const DIGEST = /^[0-9a-f]{64}$/;
const SHORT = 16;
/** A time in UTC, which is shown in the person's zone as everywhere. */
const TIME = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|\+00:00)/g;

/** A single value as text; of a digest the beginning, which is enough to compare. */
function plain(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'object') return JSON.stringify(value);
  const text = String(value);
  if (DIGEST.test(text)) return `${text.slice(0, SHORT)}…`;
  return text.replaceAll(TIME, (one) => fullTime(one));
}

/** What the detail says, with one line for each value: what was before and after at the end. */
export function linesOfDetail(detail: Detail): { key: string; lines: string[] }[] {
  const rank = (key: string) => ORDER.indexOf(key);
  return Object.entries(detail)
    .filter(([key]) => key !== 'difference')
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([key, value]) => {
      if (Array.isArray(value)) return { key, lines: value.map(plain) };
      if (!isTable(value)) return { key, lines: [plain(value)] };
      return { key, lines: Object.entries(value).map(([name, one]) => `${name}: ${plain(one)}`) };
    })
    .filter(({ lines }) => lines.length > 0);
}

/** Lines of a difference, each with its sign. */
export function linesOf(difference: string): { sign: '+' | '-' | ' '; text: string }[] {
  return difference
    .split('\n')
    .filter(Boolean)
    .map((text) => {
      const isHead = text.startsWith('---') || text.startsWith('+++') || text.startsWith('@@');
      const sign = !isHead && (text[0] === '+' || text[0] === '-') ? text[0] : ' ';
      return { sign, text };
    });
}

const OFTEN_MS = 15_000;

/**
 * How often the trail is asked for anew. Not while older entries are shown: every page of them
 * would be read again, and lines would move below the eyes of the reader.
 */
export const refreshOf = (pages = 0): number | false => (pages > 1 ? false : OFTEN_MS);

/** Whether there is no such entry, as the answer says; a request that failed says nothing of it. */
export const isMissing = (found: {
  data: Entry | null | undefined;
  error: unknown;
  isLoading: boolean;
}): boolean => !found.data && !found.error && !found.isLoading;
