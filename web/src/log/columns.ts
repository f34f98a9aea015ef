// Which columns of the log are shown; the choice stays in the browser.

/** All columns, in their order. Time and name are always there. */
export const COLUMNS = [
  'time',
  'client',
  'lock_in',
  'transport',
  'name',
  'type',
  'outcome',
  'reason',
  'policy',
  'list',
  'lock_out',
  'upstream',
  'wait',
] as const;
export type ColumnKey = (typeof COLUMNS)[number];

const FIXED: readonly ColumnKey[] = ['time', 'name'];
const USUAL: readonly ColumnKey[] = [
  ...FIXED,
  'client',
  'lock_in',
  'transport',
  'type',
  'outcome',
  'reason',
  'lock_out',
  'upstream',
  'wait',
];
const KEY = 'keyhole.log.columns';

/** Columns that a person may leave out. */
export const CHOICES = COLUMNS.filter((one) => !FIXED.includes(one));

/** The chosen columns, in their order. */
export function storedColumns(): ColumnKey[] {
  let chosen: unknown;
  try {
    chosen = JSON.parse(localStorage.getItem(KEY) ?? 'null');
  } catch {
    chosen = null;
  }
  return inOrder(Array.isArray(chosen) ? (chosen as ColumnKey[]) : USUAL);
}

/** Keeps the choice; a browser that keeps nothing forgets it with the page. */
export function storeColumns(chosen: readonly ColumnKey[]): ColumnKey[] {
  const kept = inOrder(chosen);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Private windows may refuse it.
  }
  return kept;
}

const inOrder = (chosen: readonly ColumnKey[]): ColumnKey[] =>
  COLUMNS.filter((one) => FIXED.includes(one) || chosen.includes(one));
