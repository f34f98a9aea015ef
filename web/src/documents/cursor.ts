// Which place of a document the cursor is at, while the text is not whole yet. Works by indentation
// for blocks, and by brackets within one line, which is how people write documents.
import type { Path } from './path';

/** A place in a text. */
export interface Place {
  /** The mapping or list that the cursor is in, or the key whose value it is at. */
  path: Path;
  /** Whether a key is written here, or a value. */
  part: 'key' | 'value';
  /** Where the word before the cursor begins. */
  from: number;
  /** Keys that stand in the same mapping already. */
  siblings: string[];
}

interface Line {
  indent: number;
  /** How many list markers stand before the content: `- - a` has two. */
  markers: number;
  key: string | undefined;
  rest: string;
}

const LINE = /^(\s*)((?:- +|-$)*)(.*)$/;
const KEY = /^("[^"]*"|'[^']*'|[^\s#:{}[\],][^:#{}[\]]*?)\s*:(?:\s+(.*))?$/;

function readLine(text: string): Line {
  const [, spaces = '', dashes = '', content = ''] = LINE.exec(text) ?? [];
  const found = KEY.exec(content);
  return {
    indent: spaces.length + dashes.length,
    markers: (dashes.match(/-/g) ?? []).length,
    key: found?.[1]?.replace(/^["']|["']$/g, ''),
    rest: (found ? (found[2] ?? '') : content).trim(),
  };
}

/** The place of an offset. */
export function placeAt(text: string, offset: number): Place {
  const begin = text.lastIndexOf('\n', offset - 1) + 1;
  const lines = text.slice(0, begin).split('\n').slice(0, -1);
  const typed = text.slice(begin, offset);
  const now = readLine(typed);
  const word = /[^\s:,[\]{}"']*$/.exec(typed)?.[0] ?? '';
  const from = offset - word.length;
  const above = pathAbove(lines, typed);
  const flow = openBrackets(typed);
  if (flow !== undefined) return inFlow(above, now, flow, from);
  if (now.key !== undefined) {
    return { path: [...above, now.key], part: 'value', from, siblings: [] };
  }
  const siblings = keysAround(text, begin, now.indent);
  return { path: above, part: 'key', from, siblings };
}

/** The path of the mapping or list that a line with this beginning belongs to. */
function pathAbove(lines: string[], typed: string): Path {
  const spaces = /^\s*/.exec(typed)?.[0].length ?? 0;
  const dashes = (/^\s*((?:- +|-$)*)/.exec(typed)?.[1]?.match(/-/g) ?? []).length;
  const path: (string | number)[] = dashes ? [0] : [];
  let limit = spaces;
  let isList = dashes > 0;
  let index = 0;
  for (let at = lines.length - 1; at >= 0 && (limit > 0 || isList); at -= 1) {
    const text = lines[at] ?? '';
    if (!text.trim() || text.trim().startsWith('#')) continue;
    const line = readLine(text);
    const outer = line.indent - markersWidth(text);
    if (line.markers && outer === limit && isList) {
      index += 1;
      continue;
    }
    const isParent = line.key !== undefined && !line.rest.replace(/#.*/, '');
    if (isParent && (line.indent < limit || (isList && line.indent === limit))) {
      if (isList) path[0] = index;
      path.unshift(line.key ?? '');
      [isList, index] = [false, 0];
      limit = line.indent;
    }
    // The mapping that begins behind a list marker is an item of the list.
    if (!isList && line.markers && outer < limit && line.indent <= limit) {
      path.unshift(0);
      [isList, index] = [true, 0];
      limit = outer;
    }
  }
  if (isList && typeof path[0] === 'number') path[0] = index;
  return path;
}

const markersWidth = (text: string): number => LINE.exec(text)?.[2]?.length ?? 0;

/** What stands behind the innermost bracket of a line that is still open. */
function openBrackets(typed: string): { open: '[' | '{'; inside: string }[] | undefined {
  const found: { open: '[' | '{'; at: number }[] = [];
  let quote = '';
  for (let at = 0; at < typed.length; at += 1) {
    const letter = typed[at] ?? '';
    if (quote) quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '#' && /\s/.test(typed[at - 1] ?? ' ')) return undefined;
    else if (letter === '[' || letter === '{') found.push({ open: letter, at });
    else if (letter === ']' || letter === '}') found.pop();
  }
  if (!found.length) return undefined;
  return found.map(({ open, at }) => ({ open, inside: typed.slice(at + 1) }));
}

function inFlow(
  above: Path,
  line: Line,
  brackets: { open: '[' | '{'; inside: string }[],
  from: number,
): Place {
  const path: (string | number)[] = [...above];
  if (line.key !== undefined) path.push(line.key);
  let last = { key: undefined as string | undefined, siblings: [] as string[] };
  for (const { open, inside } of brackets) {
    if (last.key !== undefined) path.push(last.key);
    if (open === '[') {
      path.push(0);
      last = { key: undefined, siblings: [] };
      continue;
    }
    const parts = inside.split(',');
    const keys = parts.map((part) => /^\s*([^\s:[\]{}]+)\s*:/.exec(part)?.[1]);
    last = { key: keys.at(-1), siblings: keys.slice(0, -1).filter((key) => key !== undefined) };
  }
  const isKey = brackets.at(-1)?.open === '{' && last.key === undefined;
  if (isKey) return { path, part: 'key', from, siblings: last.siblings };
  return { path: last.key ? [...path, last.key] : path, part: 'value', from, siblings: [] };
}

function keysAround(text: string, begin: number, indent: number): string[] {
  const lines = text.split('\n');
  const here = text.slice(0, begin).split('\n').length - 1;
  const keys: string[] = [];
  const look = (from: number, step: number) => {
    for (let at = from; at >= 0 && at < lines.length; at += step) {
      const one = lines[at] ?? '';
      if (!one.trim() || one.trim().startsWith('#')) continue;
      const line = readLine(one);
      if (line.indent < indent || (step > 0 && line.markers && line.indent <= indent)) return;
      if (line.indent === indent && line.key !== undefined) keys.push(line.key);
      if (line.markers && line.indent === indent) return;
    }
  };
  look(here - 1, -1);
  look(here + 1, 1);
  return keys;
}
