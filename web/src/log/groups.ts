// What the log can be grouped by.
import type { Field } from './filters';

/** The dimensions, and the field that a value of each filters by. */
export const GROUPS = {
  domain: 'below',
  name: 'name',
  client: 'client',
  list: 'list',
  policy: 'policy',
  reason: 'reason',
  upstream: 'upstream',
  transport: 'transport',
  type: 'type',
} as const satisfies Record<string, Field>;
export type Group = keyof typeof GROUPS;

/** The group of an address, if it is one. */
export const readGroup = (word: string | undefined): Group | undefined =>
  word !== undefined && word in GROUPS ? (word as Group) : undefined;
