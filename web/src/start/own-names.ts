// The list of names that a person typed.

/** What is separated by lines, commas or spaces. */
export const words = (written: string): string[] => [
  ...new Set(written.split(/[\s,]+/).filter(Boolean)),
];

const withoutComment = (line: string): string => line.replace(/(^|\s)#.*$/, '').trim();

/** The names that were typed, without comments. An expression between slashes is one name. */
export function namesIn(written: string): string[] {
  const found = written.split('\n').map(withoutComment);
  return [...new Set(found.flatMap((line) => (line.startsWith('/') ? [line] : words(line))))];
}

/** The entries with the names that are not among them as lines at the end; all else stays. */
export function withNames(entries: string, names: string[]): string {
  const there = new Set(entries.split('\n').map((line) => withoutComment(line).toLowerCase()));
  const missing = names.filter((name) => !there.has(name.toLowerCase()));
  if (missing.length === 0) return entries;
  const before = entries === '' || entries.endsWith('\n') ? entries : `${entries}\n`;
  return `${before}${missing.join('\n')}\n`;
}
