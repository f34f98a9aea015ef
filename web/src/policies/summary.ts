// What the list of policies says of each.
import type { StoredDocument } from '../documents/kinds';
import { valueAt } from '../documents/path';
import {
  inheritedLists,
  listsNaming,
  namesAt,
  specOf,
  subjectsOf,
  type Inherited,
} from '../documents/policy-spec';
import { textAt } from '../documents/yaml-text';

/** One policy in the list. */
export interface PolicySummary {
  document: StoredDocument;
  /** Undefined: all clients of no other policy. Empty: nobody. */
  subjects: string[] | undefined;
  default: string;
  mode: string;
  rules: number;
  /** How many of the rules only act at times. */
  scheduled: number;
  lists: string[];
  /** Lists of the policies that it includes. */
  inherited: Inherited[];
}

/** Reads what the list shows; `known` has the policies that may be included, and the lists. */
export function summaryOf(
  document: StoredDocument,
  known: readonly StoredDocument[],
): PolicySummary {
  const spec = specOf(document);
  const rules = valueAt(spec, ['rules']);
  const found: unknown[] = Array.isArray(rules) ? rules : [];
  return {
    document,
    subjects: subjectsOf(spec),
    default: textAt(spec, ['default']) ?? 'deny',
    mode: textAt(spec, ['mode']) ?? 'enforce',
    rules: found.length,
    scheduled: found.filter((rule) => valueAt(rule, ['when']) !== undefined).length,
    lists: [...new Set([...namesAt(spec, 'lists'), ...listsNaming(document.name, known)])],
    inherited: inheritedLists(spec, known),
  };
}
