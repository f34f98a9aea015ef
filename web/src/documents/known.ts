// Names that a document may use: of other documents, and of what the API knows.
import type { Kind, StoredDocument } from './kinds';
import { valueAt, type Path } from './path';
import { inheritedLists, type Inherited } from './policy-spec';
import { readYaml, textsAt } from './yaml-text';

const RECORD_TYPES = [
  'A',
  'AAAA',
  'CNAME',
  'HTTPS',
  'MX',
  'NS',
  'PTR',
  'SOA',
  'SRV',
  'SVCB',
  'TXT',
];

/** What may be named, gathered from all documents. */
export class KnownDocuments {
  readonly #names = new Map<Kind, string[]>();
  readonly #subjects: string[];
  readonly #documents: readonly StoredDocument[];

  constructor(documents: readonly StoredDocument[]) {
    for (const { kind, name, is_shadowed } of documents) {
      if (!is_shadowed) this.#names.set(kind as Kind, [...this.of(kind as Kind), name]);
    }
    this.#subjects = subjectsOf(documents);
    this.#documents = documents;
  }

  /** Lists that the text of a policy has by what it includes. */
  inherited(value: unknown): Inherited[] {
    return inheritedLists(valueAt(value, ['spec']), this.#documents);
  }

  /** The names of all documents of a kind. */
  of(kind: Kind): string[] {
    return this.#names.get(kind) ?? [];
  }

  /** What may stand at a path. */
  namesAt = (path: Path): string[] => {
    const keys = path.filter((step) => typeof step === 'string').slice(1);
    const place = keys.join('.');
    switch (place) {
      case 'subjects':
        return this.#subjects;
      case 'include':
      case 'policies':
        return this.of('Policy');
      case 'lists':
      case 'lists.names':
        return this.of('List');
      case 'upstreams':
      case 'upstreams.names':
        return this.of('Upstream');
      case 'rules.types':
        return RECORD_TYPES;
      case 'rules.when.timezone':
        return zones();
      default:
        return [];
    }
  };
}

/** Subjects that clients give and that other policies name. */
function subjectsOf(documents: readonly StoredDocument[]): string[] {
  const found = new Set<string>(['expired']);
  for (const { kind, name, text } of documents) {
    if (kind !== 'Client' && kind !== 'Policy') continue;
    const { value } = readYaml(text);
    if (kind === 'Policy') textsAt(value, ['spec', 'subjects']).forEach((one) => found.add(one));
    else {
      found.add(`client:${name}`);
      textsAt(value, ['spec', 'groups']).forEach((one) => found.add(`group:${one}`));
      textsAt(value, ['spec', 'tokens']).forEach((one) => found.add(`token:${one}`));
    }
  }
  return [...found].sort();
}

/** The time zones that the browser knows; the person's own one first. */
function zones(): string[] {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return [...new Set([own, 'UTC', ...Intl.supportedValuesOf('timeZone')])];
}
