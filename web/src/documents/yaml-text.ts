// A YAML text that can be changed at a path and keeps everything else: comments, order, quotes.
// Every value is text, as Keyhole reads YAML: a field decides what `21:00` or `no` means.
import {
  Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
  YAMLMap,
  YAMLSeq,
  type Node,
} from 'yaml';

import { difference } from './difference';
import { valueAt, type Path } from './path';
import { plainValue } from './yaml-value';

/** What a form may set: lists and objects of texts and flags; undefined takes the key out. */
export type Value = string | boolean | undefined | Value[] | { [key: string]: Value };

/** Where something stands in the text, as offsets. */
export interface Span {
  from: number;
  to: number;
}

/** A text that was read. */
export interface YamlText {
  /** The document as plain values; undefined where the text is no YAML. */
  value: unknown;
  /** Errors of its form, with their place. */
  errors: { span: Span; why: string }[];
  doc: Document;
}

const WORDS = /^(?:true|false|null|~|)$/i;

/** Reads a text with one document. */
export function readYaml(text: string): YamlText {
  const doc = parseDocument(text, { schema: 'failsafe', prettyErrors: false, uniqueKeys: true });
  const errors = doc.errors.map((error) => ({
    span: { from: error.pos[0], to: error.pos[1] },
    why: error.message,
  }));
  return errors.length ? { doc, errors, value: undefined } : { doc, ...plainValue(doc) };
}

/** The text with another value at a path. What stands there and stays equal is left as it is. */
export function setValue(text: string, path: Path, value: Value): string {
  const { doc, errors } = readYaml(text);
  if (errors.length || path.length === 0) return text;
  if (value === undefined) remove(doc, path);
  else put(doc, path, value);
  return doc.contents === null ? text : write(doc, text);
}

/** The text with what stands at a path below a new key there, as the same node: its comments, its
 * anchor and how it is written stay. */
export function moveBelow(text: string, path: Path, key: string): string {
  const { doc, errors } = readYaml(text);
  const old = errors.length ? undefined : doc.getIn(path, true);
  if (!isNode(old)) return text;
  const map = new YAMLMap();
  map.add(doc.createPair(key, null));
  map.set(key, old);
  doc.setIn(path, map);
  return write(doc, text);
}

function put(doc: Document, path: Path, value: Value): void {
  const old = doc.getIn(path, true);
  if (Array.isArray(value) && isSeq(old)) return align(doc, old, value);
  if (isScalar(old) && typeof value !== 'object') {
    if (String(old.value) !== String(value)) {
      old.value = String(value);
      if (needsQuotes(value)) old.type = Scalar.QUOTE_DOUBLE;
      else if (old.type === Scalar.PLAIN) delete old.type;
    }
    return;
  }
  makeParents(doc, path);
  doc.setIn(path, nodeOf(doc, value));
}

/** Makes a list equal to `wanted` and keeps the items that stay, with their comments. */
function align(doc: Document, seq: YAMLSeq, wanted: Value[]): void {
  if (!seq.items.length) seq.flow = isShort(wanted);
  const kept = seq.items.map((item) => ({ item, text: JSON.stringify(plain(doc, item)) }));
  seq.items = wanted.map((value) => {
    const text = JSON.stringify(value);
    const at = kept.findIndex((one) => one.text === text);
    return at < 0 ? nodeOf(doc, value) : (kept.splice(at, 1)[0]?.item as Node);
  });
}

function plain(doc: Document, item: unknown): unknown {
  if (isAlias(item)) return plain(doc, item.resolve(doc));
  return isScalar(item) ? item.value : isCollection(item) ? item.toJS(doc) : item;
}

function makeParents(doc: Document, path: Path): void {
  for (let depth = 0; depth < path.length; depth += 1) {
    const above = path.slice(0, depth);
    const found = depth ? doc.getIn(above, true) : doc.contents;
    if (isCollection(found)) continue;
    const made = typeof path[depth] === 'number' ? new YAMLSeq() : new YAMLMap();
    if (depth) doc.setIn(above, made);
    else doc.contents = made;
  }
}

function remove(doc: Document, path: Path): void {
  if (!doc.hasIn(path)) return;
  doc.deleteIn(path);
  // A key without anything below it says nothing.
  for (let depth = path.length - 1; depth > 1; depth -= 1) {
    const above = doc.getIn(path.slice(0, depth), true);
    if (!isMap(above) || above.items.length) return;
    doc.deleteIn(path.slice(0, depth));
  }
}

/** Whether a list fits on the line of its key. */
const isShort = (list: Value[]): boolean =>
  list.every((one) => typeof one === 'string') && list.join('').length < 60;

function nodeOf(doc: Document, value: Value): Node {
  if (Array.isArray(value)) {
    const seq = new YAMLSeq();
    seq.items = value.map((one) => nodeOf(doc, one));
    return Object.assign(seq, { flow: isShort(value) });
  }
  if (typeof value === 'object') {
    const map = new YAMLMap();
    for (const [key, one] of Object.entries(value)) {
      if (one !== undefined) map.add(doc.createPair(key, nodeOf(doc, one)));
    }
    return map;
  }
  const scalar = new Scalar(String(value));
  if (needsQuotes(value)) scalar.type = Scalar.QUOTE_DOUBLE;
  if (typeof value === 'string' && value.includes('\n')) scalar.type = Scalar.BLOCK_LITERAL;
  return scalar;
}

const needsQuotes = (value: Value): boolean => typeof value === 'string' && WORDS.test(value);

/** The document as text, where lines that say the same as before are written as before. */
function write(doc: Document, before: string): string {
  const style = {
    lineWidth: 0,
    // As the author writes: {name: shop} or { name: shop }, lists indented or not.
    flowCollectionPadding: /\{ \S/.test(before),
    indentSeq: !/^( *)\S+:[^\S\n]*\n\1- /m.test(before),
  };
  const after = doc.toString(style);
  const read = readYaml(before).doc;
  if (read.contents === null) return after;
  const same = read.toString(style);
  const lines = before.replace(/\n$/, '').split('\n');
  if (lines.length !== same.replace(/\n$/, '').split('\n').length) return after;
  const kept = difference(same, after).filter(({ kind }) => kind !== 'removed');
  const written = kept.map(({ before: at, text }) => (at === undefined ? text : lines[at - 1]));
  return written.length ? `${written.join('\n')}\n` : '';
}

/** The list of texts at a path, also where one text stands for a list. */
export function textsAt(value: unknown, path: Path): string[] {
  const found = valueAt(value, path);
  if (Array.isArray(found)) return found.filter((one) => typeof one === 'string');
  return typeof found === 'string' ? [found] : [];
}

/** The text, number or truth value at a path, as text; undefined where there is none. */
export function textAt(value: unknown, path: Path): string | undefined {
  const found = valueAt(value, path);
  const isOne = typeof found === 'number' || typeof found === 'boolean';
  return typeof found === 'string' || isOne ? String(found) : undefined;
}
