// What the log can be grouped by.
import { text } from '../strings';
import type { Field, Filter } from './filters';
import { shortClient } from '../parts/client';

/** The dimensions, and the field that a value of each filters by. */
export const GROUPS = {
  domain: 'below',
  name: 'name',
  client: 'client',
  list: 'list',
  policy: 'policy',
  reason: 'reason',
  protection: 'protection',
  proof: 'proof',
  upstream: 'upstream',
  transport: 'transport',
  type: 'type',
} as const satisfies Record<string, Field>;
export type Group = keyof typeof GROUPS;

/** The group of an address, if it is one. */
export const readGroup = (word: string | undefined): Group | undefined =>
  word !== undefined && word in GROUPS ? (word as Group) : undefined;

const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i;

/** The filter for the queries of a group: exactly those that it counts. */
export function groupFilter(by: Group, value: string): Filter {
  const filter: Filter = { [GROUPS[by]]: value };
  // Queries with a proof come from an address too, and are counted by their proof.
  if (by === 'client' && !value.startsWith('spiffe://'))
    filter.client_kind = ADDRESS.test(value) ? 'address' : 'token';
  return filter;
}

/** A value of a group as it is shown. */
export function groupWords(by: Group, value: string): string {
  if (by === 'client') return shortClient(value);
  const { protection, proof } = text.log.group.words;
  return (by === 'protection' ? protection[value] : by === 'proof' ? proof[value] : null) ?? value;
}
