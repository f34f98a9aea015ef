// What the text of a policy says, as far as pages need to know it.
import type { StoredDocument } from './kinds';
import { valueAt } from './path';
import { readYaml, textsAt } from './yaml-text';

/** The spec of a document as plain values; undefined where its text cannot be read. */
export function specOf(document: StoredDocument | undefined): Record<string, unknown> | undefined {
  if (!document) return undefined;
  const { value } = readYaml(document.text);
  if (value === undefined) return undefined;
  const spec = valueAt(value, ['spec']);
  return isMapping(spec) ? spec : {};
}

/** Whether a value is a mapping of keys to values. */
export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// Every value is read as text: a key without a value, and null, are still none.
const NONE = /^(?:null|~|)$/i;

/** The subjects of a policy; undefined if it has none and is for all other clients. */
export function subjectsOf(spec: unknown): string[] | undefined {
  const found = valueAt(spec, ['subjects']);
  if (found === undefined || found === null) return undefined;
  if (typeof found === 'string' && NONE.test(found)) return undefined;
  return textsAt(spec, ['subjects']);
}

/** The names of lists or upstreams, which are written as a list or as {names, ...}. */
export const namesAt = (spec: unknown, key: 'lists' | 'upstreams'): string[] =>
  textsAt(spec, isMapping(valueAt(spec, [key])) ? [key, 'names'] : [key]).filter(Boolean);

/** The lists whose own documents name a policy. */
export const listsNaming = (policy: string, known: readonly StoredDocument[]): string[] =>
  known
    .filter((one) => one.kind === 'List' && !one.is_shadowed)
    .filter((one) => textsAt(specOf(one), ['policies']).includes(policy))
    .map(({ name }) => name);

/** A list that a policy has from one that it includes. */
export interface Inherited {
  list: string;
  from: string;
}

/** The lists that a policy has by its includes alone, in their order. */
export function inheritedLists(spec: unknown, known: readonly StoredDocument[]): Inherited[] {
  const seen = new Set(namesAt(spec, 'lists'));
  const visited = new Set<string>();
  const found: Inherited[] = [];
  const follow = (names: string[]) => {
    for (const from of names) {
      if (visited.has(from)) continue;
      visited.add(from);
      const isIt = (one: StoredDocument) => one.kind === 'Policy' && one.name === from;
      const included = specOf(known.find((one) => isIt(one) && !one.is_shadowed));
      for (const list of [...namesAt(included, 'lists'), ...listsNaming(from, known)]) {
        if (!seen.has(list)) found.push({ list, from });
        seen.add(list);
      }
      follow(textsAt(included, ['include']));
    }
  };
  follow(textsAt(spec, ['include']));
  return found;
}

/** The policy for all clients of no other policy; undefined if there is none. */
export const policyForAll = (known: StoredDocument[]): StoredDocument | undefined =>
  known.find((one) => {
    if (one.kind !== 'Policy' || one.is_shadowed) return false;
    const spec = specOf(one);
    return spec !== undefined && subjectsOf(spec) === undefined;
  });

// The keys of the policy that a first `keyhole up` writes.
const SHIPPED = ['default', 'upstreams', 'privateAddresses'];

/** Whether a policy is the one that a first `keyhole up` writes, so that nobody chose it. */
function isShipped(policy: StoredDocument): boolean {
  const spec = specOf(policy);
  if (!spec || policy.origin !== 'declared' || policy.name !== 'default') return false;
  const hasOnly = Object.keys(spec).every((key) => SHIPPED.includes(key));
  return hasOnly && spec.default === 'allow' && (spec.privateAddresses ?? 'block') === 'block';
}

// The list that a first `keyhole up` writes; that of an earlier version wrote none.
const SHIPPED_LIST = 'hagezi-light';

/** Whether all documents are as after a first start: one policy, its list, nothing stored. */
export function isUntouched(documents: StoredDocument[]): boolean {
  const policies = documents.filter((one) => one.kind === 'Policy');
  const isFirst = documents.every(
    ({ origin, kind, name }) => origin === 'declared' && (kind !== 'List' || name === SHIPPED_LIST),
  );
  return isFirst && policies.length === 1 && policies.every(isShipped);
}
