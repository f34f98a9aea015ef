// Documents of a YAML stream, as a person imports them.
import { parseAllDocuments, type Document } from 'yaml';

/** One document of the stream; the label is empty where it does not say kind and name. */
export interface Part {
  label: string;
  text: string;
  begin: number;
  end: number;
}

/** A stream with versions in it, and the line of the first text for each of its lines. */
export interface Versioned {
  text: string;
  lineOf: (line: number) => number;
}

const VERSION = /^# keyhole-version: \d{1,9}$/m;
const BREAK = /\r\n|\r|\n/;
/** What stands before a document: comments, directives and the marker (YAML 1.2.2, 9.1). */
const BEFORE = /^(?:(?:[%#].*)?\r?\n)*---(?:[^\S\n]*(?:#.*)?(?:\r?\n|$)|(?=[^\S\n]))/;

function labelOf(document: Document): string {
  try {
    const value = document.toJS({ maxAliasCount: 100 }) as unknown;
    const { kind, metadata } = (value ?? {}) as { kind?: unknown; metadata?: { name?: unknown } };
    return kind && metadata?.name ? `${String(kind)}/${String(metadata.name)}` : '';
  } catch {
    // An alias without its anchor, such as a plain *.example.com. The API says where it is.
    return '';
  }
}

/** The documents of a stream; none where it is no YAML. Every value is text, as Keyhole reads it. */
export function partsOf(stream: string): Part[] {
  const found = parseAllDocuments(stream, { logLevel: 'silent', schema: 'failsafe' });
  if (!Array.isArray(found)) return [];
  return found.flatMap((one) => {
    if (one.errors.length > 0) return [];
    const [begin, , end] = one.range;
    const text = stream.slice(begin, end).replace(/^---[^\n]*\n/, '');
    return [{ label: labelOf(one), text, begin, end }];
  });
}

/** The stream without some documents; all others keep their lines. */
export function without(stream: string, parts: Part[]): string {
  let left = stream;
  for (const { begin, end } of parts) {
    const blank = left.slice(begin, end).replace(/[^\n]/g, ' ');
    left = left.slice(0, begin) + blank + left.slice(end);
  }
  return left;
}

/**
 * The stream with the version that each document was compared with: the API refuses the import
 * where somebody has changed one since. A version that the text itself names stays.
 */
export function withVersions(
  stream: string,
  parts: Part[],
  versionOf: (label: string) => number,
): Versioned {
  let text = '';
  let at = 0;
  const added: number[] = [];
  for (const { label, begin, end } of parts) {
    const own = stream.slice(begin, end);
    if (!label || VERSION.test(own)) continue;
    const before = BEFORE.exec(own)?.[0] ?? '';
    // The API leaves empty lines at the begin of a document out.
    const blank = /^(?:[^\S\n]*\n)*/.exec(own.slice(before.length))?.[0] ?? '';
    const place = begin + before.length + blank.length;
    text += stream.slice(at, place);
    const line = text.split(BREAK).length - added.length;
    const isInLine = text !== '' && !/[\r\n]$/.test(text);
    added.push(...(isInLine ? [line, line] : [line]));
    const note = `# keyhole-version: ${versionOf(label)}\n`;
    // What follows the marker in its line keeps its column.
    text += isInLine ? `\n${note}   ` : note;
    at = place;
  }
  text += stream.slice(at);
  const lineOf = (line: number) => line - added.filter((one, index) => one + index < line).length;
  return { text, lineOf };
}
