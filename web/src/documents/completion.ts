// Completion and hover of the YAML editor, from the schema of the kind and the names that exist.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { hoverTooltip, type Tooltip } from '@codemirror/view';

import { text } from '../strings';
import { placeAt, type Place } from './cursor';
import { showPath, type Path } from './path';
import type { SchemaReader } from './schema';

/** Names that may stand at a path: lists, upstreams, clients. */
export type KnownNames = (path: Path) => string[];

const WORD = /[^\s:,[\]{}"'#]+/g;

/** Completes keys and values. */
export function completionSource(schema: SchemaReader, known: KnownNames) {
  return (context: CompletionContext): CompletionResult | null => {
    const written = context.state.doc.toString();
    const place = placeAt(written, context.pos);
    if (place.from === context.pos && !context.explicit) return null;
    const behind = written.slice(context.pos, context.state.doc.lineAt(context.pos).to);
    const options =
      place.part === 'key'
        ? [...keys(schema, place, behind), ...values(schema, known, place.path)]
        : values(schema, known, place.path);
    return options.length ? { from: place.from, options, validFor: /^[^\s:,[\]{}]*$/ } : null;
  };
}

function keys(schema: SchemaReader, place: Place, behind: string): Completion[] {
  return schema
    .keys(place.path)
    .filter(({ key }) => !place.siblings.includes(key))
    .map(({ key, about, isRequired, schema: below }) => ({
      label: key,
      detail: isRequired ? text.documents.required : undefined,
      info: about,
      type: 'property',
      boost: isRequired ? 1 : 0,
      apply: behind.startsWith(':') ? key : `${key}:${schema.isMapping(below) ? '' : ' '}`,
    }));
}

function values(schema: SchemaReader, known: KnownNames, path: Path): Completion[] {
  const place = schema.at(path);
  const words = place ? schema.valuesOf(place) : [];
  const made: Completion[] = words.map((label) => ({ label, type: 'enum' }));
  const quoted = (name: string) => (/^[*&!|>%@`'"]/.test(name) ? JSON.stringify(name) : name);
  return [
    ...made,
    ...known(path).map((label) => ({ label, apply: quoted(label), type: 'variable' })),
  ];
}

/** Says what a key means while the pointer rests on it. */
export function hoverSource(schema: SchemaReader) {
  return hoverTooltip((view, position): Tooltip | null => {
    const line = view.state.doc.lineAt(position);
    const word = [...line.text.matchAll(WORD)].find(
      ({ 0: found, index }) =>
        line.from + index <= position && position <= line.from + index + found.length,
    );
    if (!word) return null;
    const [from, to] = [line.from + word.index, line.from + word.index + word[0].length];
    const { path, part } = placeAt(view.state.doc.toString(), from);
    const wanted = part === 'key' ? [...path, word[0]] : path;
    const place = schema.at(wanted);
    const about = place && schema.about(place);
    if (!place || !about) return null;
    const defaults = typeof place.default === 'object' ? undefined : place.default;
    return {
      pos: from,
      end: to,
      above: true,
      create: () => ({ dom: explained(showPath(wanted), about, schema.valuesOf(place), defaults) }),
    };
  });
}

function explained(path: string, about: string, words: string[], usual: unknown): HTMLElement {
  const box = document.createElement('div');
  box.className = 'explained';
  const add = (tag: string, content: string) => {
    const made = document.createElement(tag);
    made.textContent = content;
    box.append(made);
  };
  add('strong', path);
  add('p', about);
  if (words.length) add('p', `${text.documents.words}: ${words.join(', ')}`);
  if (usual !== undefined && usual !== '') add('p', `${text.documents.usual}: ${String(usual)}`);
  return box;
}
