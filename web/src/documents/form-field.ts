// What a form is made of.
import type { Kind } from './kinds';
import { readPath, type Path } from './path';

/** How one value is edited. */
export interface FormField {
  path: Path;
  label: string;
  control: 'text' | 'choice' | 'flag' | 'texts' | 'subjects' | 'names' | 'rules' | 'lines';
  /** Of `names`: the kind of the documents that may be named. */
  of?: Kind;
  /** Of `names`: whether their order counts. */
  isOrdered?: boolean;
  /** What is meant where the key is left out; offered as a choice of its own. */
  unset?: string;
  /** Said in place of what the schema says. */
  hint?: string;
  /** Whether the value may also stand for the key above, as `lists: [a]` for `lists.names`. */
  isShort?: boolean;
  /** Shown only while this is true of the document. */
  isShown?: (value: unknown) => boolean;
  /** Of `names`: what may be named, where that is no document. */
  choices?: readonly string[];
}

/** Fields below a heading. */
export interface FormGroup {
  title: string;
  fields: FormField[];
}

type More = Partial<Omit<FormField, 'path' | 'label' | 'control'>>;

/** A field of the spec. */
export function field(path: string, control: FormField['control'], label: string, more: More = {}) {
  return { path: readPath(`spec.${path}`), control, label, ...more } satisfies FormField;
}
