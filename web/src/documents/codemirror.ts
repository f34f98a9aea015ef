// The YAML editor: CodeMirror 6, in a chunk of its own. It lives in a shadow root, where its styles
// are constructed style sheets: the content security policy forbids style elements.
import { autocompletion, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { Compartment, EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from '@codemirror/view';

import { text } from '../strings';
import { completionSource, hoverSource, type KnownNames } from './completion';
import { highlight, theme } from './editor-theme';
import type { SchemaReader } from './schema';
import type { Span } from './yaml-text';

/** One error at its place. */
export interface Mark extends Span {
  why: string;
}

/** What the editor is made with. */
export interface EditorOptions {
  /** Where it stands; it gets a shadow root. */
  host: HTMLElement;
  label: string;
  text: string;
  schema: SchemaReader;
  known: KnownNames;
  isReadOnly: boolean;
  onChange: (text: string) => void;
}

/** A running editor. */
export interface Editor {
  setText(text: string): void;
  setMarks(marks: Mark[]): void;
  setReadOnly(isReadOnly: boolean): void;
  /** Selects a place and brings it into view. */
  show(span: Span): void;
  destroy(): void;
}

const fixed = (isReadOnly: boolean) => [
  EditorState.readOnly.of(isReadOnly),
  // A read-only text can still be walked by keyboard.
  EditorView.editable.of(true),
];

/** Makes an editor. Tab moves on, as everywhere; Escape and then Tab leaves after indenting. */
export function createEditor(options: EditorOptions): Editor {
  const { host, schema, known, onChange } = options;
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const reading = new Compartment();
  let isOurs = false;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        indentUnit.of('  '),
        yaml(),
        syntaxHighlighting(highlight),
        autocompletion({ override: [completionSource(schema, known)], icons: false }),
        hoverSource(schema),
        lintGutter(),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          tabindex: '0',
          'aria-label': options.label,
          'aria-description': text.documents.keys,
        }),
        keymap.of([
          ...completionKeymap,
          ...lintKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          { key: 'Ctrl-]', run: indentWithTab.run },
        ]),
        theme,
        reading.of(fixed(options.isReadOnly)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !isOurs) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });

  return {
    setText(wanted) {
      const change = smallest(view.state.doc.toString(), wanted);
      if (!change) return;
      isOurs = true;
      view.dispatch({ changes: change });
      isOurs = false;
    },
    setMarks(marks) {
      const most = view.state.doc.length;
      const found: Diagnostic[] = marks.map(({ from, to, why }) => ({
        from: Math.min(from, most),
        to: Math.min(Math.max(to, from), most),
        severity: 'error',
        message: why,
      }));
      view.dispatch(setDiagnostics(view.state, found));
    },
    setReadOnly: (now) => view.dispatch({ effects: reading.reconfigure(fixed(now)) }),
    show({ from }) {
      const anchor = Math.min(from, view.state.doc.length);
      view.dispatch({ selection: { anchor }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/** The one change that makes a text another one, so that the cursor stays where it is. */
function smallest(before: string, after: string) {
  if (before === after) return null;
  let from = 0;
  while (from < before.length && before[from] === after[from]) from += 1;
  let [to, end] = [before.length, after.length];
  while (to > from && end > from && before[to - 1] === after[end - 1]) {
    to -= 1;
    end -= 1;
  }
  return { from, to, insert: after.slice(from, end) };
}
