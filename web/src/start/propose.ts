// The documents that the choices of a first run make.
import type { Schemas } from '../api/client';
import { newText, type Kind, type StoredDocument } from '../documents/kinds';
import { isMapping, namesAt, policyForAll, specOf, subjectsOf } from '../documents/policy-spec';
import { setValue, textAt, type Value } from '../documents/yaml-text';
import { namesIn, withNames, words } from './own-names';
import { PROVIDERS, type Provider } from './providers';
import { warningsOf } from './warnings';

export type CatalogEntry = Schemas['CatalogEntry'];

/** The policy that the first run makes, and the list of names that a person typed. */
export const POLICY = 'first';
export const OWN_LIST = 'own-names';

/** What a person chose. */
export interface Choice {
  /** Names of upstreams that shall be asked; empty: those of the policy that is there. */
  upstreams: string[];
  /** Names of lists of the catalog. */
  lists: string[];
  /** Names to block, one a line. */
  own: string;
  networks: string;
}

/** A document to store, and its text before; empty for a new one. */
export interface Planned {
  kind: Kind;
  name: string;
  before: string;
  text: string;
  version: number;
}

/** What would be stored, and what a person should know before. */
export interface Proposal {
  documents: Planned[];
  warnings: string[];
}

/** The documents to store. What is there already stays, but for what is added. */
export function propose(
  choice: Choice,
  known: StoredDocument[],
  catalog: CatalogEntry[],
): Proposal {
  const find = (kind: Kind, name: string) =>
    known.find((one) => one.kind === kind && one.name === name);
  const documents: Planned[] = [];
  for (const one of PROVIDERS)
    if (choice.upstreams.includes(one.name) && !find('Upstream', one.name))
      documents.push(made('Upstream', one.name, upstreamSpec(one)));
  for (const one of catalog)
    if (choice.lists.includes(one.name) && !find('List', one.name))
      documents.push(made('List', one.name, { urls: [one.url] }));
  const own = namesIn(choice.own);
  const ownList = stored(find('List', OWN_LIST));
  // A name that a person wants to block must not come on a list that allows it.
  const isBlocked = own.length > 0 && textAt(specOf(ownList), ['kind']) !== 'allow';
  if (isBlocked) documents.push(withOwn(ownList, own));
  const lists = [...choice.lists, ...(isBlocked ? [OWN_LIST] : [])];
  const before = stored(find('Policy', POLICY));
  documents.push(before ? added(before, choice, lists) : begun(choice, lists, known));
  const warnings = warningsOf(choice, known, { policy: before, list: own.length ? ownList : null });
  return { documents, warnings };
}

const stored = (one: StoredDocument | undefined) => (one?.origin === 'stored' ? one : undefined);

const subjectsFor = (choice: Choice) => words(choice.networks).map((one) => `cidr:${one}`);

const both = (some: string[], more: string[]) => [...new Set([...some, ...more])];

// What an inclusion brings, and what each policy has of its own.
const NOT_CARRIED = ['subjects', 'include', 'rules', 'lists'];

/** A new policy. It decides as the policy for all other clients does, and adds the choices. */
function begun(choice: Choice, lists: string[], known: StoredDocument[]): Planned {
  const base = policyForAll(known);
  const spec = specOf(base) ?? {};
  const carried = Object.entries(spec).filter(
    ([key, value]) => !NOT_CARRIED.includes(key) && value !== null && value !== '',
  ) as [string, Value][];
  const draft = made('Policy', POLICY, {
    // Without a policy for them these clients are refused now, and a default is deny if left out.
    default: 'deny',
    subjects: subjectsFor(choice),
    ...(base ? { include: [base.name] } : {}),
    ...Object.fromEntries(carried),
    ...(isMapping(spec.lists) ? { lists: { ...(spec.lists as object), names: [] } as Value } : {}),
  });
  return { ...draft, text: withUses(draft.text, choice, lists) };
}

/** The policy that is there, with what was chosen added. */
function added(before: StoredDocument, choice: Choice, lists: string[]): Planned {
  const subjects = subjectsOf(specOf(before));
  // Subjects would take it away from all clients that it is for.
  const text = subjects?.length
    ? setValue(before.text, ['spec', 'subjects'], both(subjects, subjectsFor(choice)))
    : before.text;
  return changed('Policy', before, withUses(text, choice, lists));
}

/** The text of a policy that also uses these lists, and the chosen upstreams. */
function withUses(text: string, choice: Choice, lists: string[]): string {
  const spec = specOf({ text } as StoredDocument);
  const write = (written: string, key: 'lists' | 'upstreams', names: string[]) =>
    names.length === 0
      ? written
      : setValue(written, isMapping(spec?.[key]) ? ['spec', key, 'names'] : ['spec', key], names);
  const more = lists.length > 0 ? both(namesAt(spec, 'lists'), lists) : [];
  return write(write(text, 'lists', more), 'upstreams', choice.upstreams);
}

function withOwn(before: StoredDocument | undefined, own: string[]): Planned {
  if (!before) return made('List', OWN_LIST, { urls: undefined, entries: withNames('', own) });
  const entries = textAt(specOf(before), ['entries']) ?? '';
  const text = setValue(before.text, ['spec', 'entries'], withNames(entries, own));
  return changed('List', before, text);
}

const upstreamSpec = ({ addresses, serverName }: Provider) => ({
  protocol: 'doh',
  addresses,
  serverName,
});

const changed = (kind: Kind, before: StoredDocument, text: string): Planned => ({
  kind,
  name: before.name,
  before: before.text,
  text,
  version: before.version ?? 0,
});

function made(kind: Kind, name: string, spec: Record<string, Value>): Planned {
  const text = Object.entries(spec).reduce(
    (written, [key, value]) => setValue(written, ['spec', key], value),
    newText(kind, name),
  );
  return { kind, name, before: '', text, version: 0 };
}
