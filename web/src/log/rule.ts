// The text of a policy with one more rule.
import { valueAt } from '../documents/path';
import { readYaml, setValue, type Value } from '../documents/yaml-text';

export type RuleAction = 'block' | 'allow';

/** The rule stands first; those that are there stay as they are. */
export function withRule(text: string, action: RuleAction, pattern: string): string {
  const place = ['spec', 'rules'];
  const found = valueAt(readYaml(text).value, place);
  const rules = Array.isArray(found) ? (found as Value[]) : [];
  return setValue(text, place, [{ [action]: [pattern] }, ...rules]);
}
