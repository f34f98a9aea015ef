// Documents as the API gives them.
import type { Kind, StoredDocument } from '../../src/documents/kinds';

/** A document with this spec, which is indented by two spaces. */
export function known(
  kind: Kind,
  name: string,
  spec: string,
  origin: 'declared' | 'stored' = 'declared',
): StoredDocument {
  return {
    kind,
    name,
    origin,
    text: `apiVersion: keyhole.dev/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec:\n${spec}`,
    file: origin === 'declared' ? `${name}.yaml:1` : null,
    is_shadowed: false,
    last_change: null,
    version: origin === 'stored' ? 3 : null,
  };
}
