// Which policies use a list, by the text of the one or of the other.
import type { StoredDocument } from '../documents/kinds';
import { valueAt } from '../documents/path';
import { readYaml, setValue, textsAt } from '../documents/yaml-text';

const place = (value: unknown): string[] =>
  Array.isArray(valueAt(value, ['spec', 'lists'])) ||
  valueAt(value, ['spec', 'lists']) === undefined
    ? ['spec', 'lists']
    : ['spec', 'lists', 'names'];

/** The lists that a policy names itself. */
export function listsOf(policy: StoredDocument): string[] {
  const { value } = readYaml(policy.text);
  return textsAt(value, place(value));
}

/** The text of a policy that names one more list. */
export function withList(policy: StoredDocument, list: string): string {
  const { value } = readYaml(policy.text);
  const at = place(value);
  return setValue(policy.text, at, [...textsAt(value, at), list]);
}

/** The policies that a list names itself. */
export const policiesOf = (list: StoredDocument): string[] =>
  textsAt(readYaml(list.text).value, ['spec', 'policies']);

/** The text of a list that names one more policy. */
export const withPolicy = (list: StoredDocument, policy: string): string =>
  setValue(list.text, ['spec', 'policies'], [...policiesOf(list), policy]);
