// What the list of records says of each.
import type { StoredDocument } from '../documents/kinds';
import { readYaml, textAt, textsAt } from '../documents/yaml-text';

/** One record in the list. */
export interface RecordSummary {
  document: StoredDocument;
  name: string;
  data: { type: string; value: string }[];
  ttl: string;
  policies: string[];
}

const TYPES = ['a', 'aaaa', 'cname', 'txt', 'ptr'] as const;
const USUAL_TTL = '300';

/** Reads what the list shows. */
export function recordOf(document: StoredDocument): RecordSummary {
  const { value } = readYaml(document.text);
  const spec = (key: string) => ['spec', key];
  return {
    document,
    name: textAt(value, spec('name')) ?? '',
    data: TYPES.flatMap((type) =>
      textsAt(value, spec(type)).map((one) => ({ type: type.toUpperCase(), value: one })),
    ),
    ttl: textAt(value, spec('ttl')) ?? USUAL_TTL,
    policies: textsAt(value, spec('policies')),
  };
}
