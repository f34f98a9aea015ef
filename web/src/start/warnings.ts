// What a person should know of the choices of a first run before they are stored.
import type { StoredDocument } from '../documents/kinds';
import { policyForAll, specOf, subjectsOf } from '../documents/policy-spec';
import { valueAt } from '../documents/path';
import { textAt, textsAt } from '../documents/yaml-text';
import { text } from '../strings';
import { readNetwork, relation } from '../parts/network';
import { words } from './own-names';
import type { Choice } from './propose';

const said = text.start.warnings;

/** The documents of an earlier first run, as far as they are changed. */
export interface Before {
  policy: StoredDocument | undefined;
  list: StoredDocument | undefined | null;
}

/** All of them, for the review. */
export function warningsOf(choice: Choice, known: StoredDocument[], before: Before): string[] {
  return [
    ...networkWarnings(choice.networks, known),
    ...policyWarnings(choice, known, before.policy),
    ...listWarnings(choice, known, before.list ?? undefined),
  ];
}

/** Where a network and a network of another policy have addresses in common. */
export function networkWarnings(networks: string, known: StoredDocument[]): string[] {
  const others = known.filter((one) => one.kind === 'Policy' && one.name !== 'first');
  const subjects = others.flatMap((one) =>
    (subjectsOf(specOf(one)) ?? [])
      .filter((subject) => subject.startsWith('cidr:'))
      .map((subject) => ({ policy: one.name, its: subject.slice('cidr:'.length).trim() })),
  );
  return words(networks).flatMap((typed) => {
    const network = readNetwork(typed);
    return subjects.flatMap(({ policy, its }) => {
      const other = readNetwork(its);
      const how = network && other && relation(network, other);
      return how ? [said[how](typed, its, policy)] : [];
    });
  });
}

// What each key means where it is left out.
const LEFT_OUT: Record<string, string | undefined> = {
  default: 'deny',
  mode: 'enforce',
  log: 'full',
  privateAddresses: 'block',
  specialNames: undefined,
};

function policyWarnings(
  choice: Choice,
  known: StoredDocument[],
  policy: StoredDocument | undefined,
): string[] {
  const base = policyForAll(known);
  const spec = specOf(base);
  if (!policy) {
    const isObserved = textAt(spec, ['mode']) === 'observe';
    const isListObserved = textAt(spec, ['lists', 'mode']) === 'observe';
    return [
      ...(base ? recordWarnings(base.name, known) : [said.none]),
      ...(base && (isObserved || isListObserved) ? [said.observe(base.name)] : []),
    ];
  }
  const own = specOf(policy);
  const subjects = subjectsOf(own);
  if (!subjects?.length) return [said.noSubjects(policy.name)];
  const isMore = words(choice.networks).some((one) => !subjects.includes(`cidr:${one}`));
  if (!isMore || !base) return [];
  const face = (from: unknown, key: string) =>
    JSON.stringify(valueAt(from, [key]) ?? LEFT_OUT[key]);
  const other = Object.keys(LEFT_OUT).filter((key) => face(own, key) !== face(spec, key));
  const isIncluded = textsAt(own, ['include']).includes(base.name);
  return [
    ...(other.length ? [said.differs(policy.name, base.name, other.join(', '))] : []),
    ...(isIncluded ? [] : [said.notIncluded(policy.name, base.name)]),
  ];
}

/** Records that only the clients of the policy see that these clients leave. */
function recordWarnings(base: string, known: StoredDocument[]): string[] {
  const names = known
    .filter((one) => one.kind === 'Record' && textsAt(specOf(one), ['policies']).includes(base))
    .map((one) => one.name);
  return names.length ? [said.records(base, names.join(', '))] : [];
}

// In other formats a name alone may not be an entry.
const PLAIN = ['auto', 'domains', 'wildcard'];

function listWarnings(
  choice: Choice,
  known: StoredDocument[],
  own: StoredDocument | undefined,
): string[] {
  const chosen = known.filter((one) => one.kind === 'List' && choice.lists.includes(one.name));
  const allows = chosen.filter((one) => textAt(specOf(one), ['kind']) === 'allow');
  const format = textAt(specOf(own), ['format']) ?? 'auto';
  return [
    ...allows.map((one) => said.allows(one.name)),
    ...(own && textAt(specOf(own), ['kind']) === 'allow' ? [said.ownAllows(own.name)] : []),
    ...(own && !PLAIN.includes(format) ? [said.format(own.name, format)] : []),
  ];
}
