// The plain values of a YAML document that was read.
import { visit, type Document } from 'yaml';

import type { YamlText } from './yaml-text';

/** The values as texts, lists and objects; an error where an alias stands for nothing. */
export function plainValue(doc: Document): Pick<YamlText, 'value' | 'errors'> {
  try {
    return { value: doc.toJS({ maxAliasCount: 100 }) as unknown, errors: [] };
  } catch (error) {
    // An alias without its anchor, such as a plain *.example.com, or too many of them.
    const why = error instanceof Error ? error.message : String(error);
    return { value: undefined, errors: [{ span: aliasOf(doc), why }] };
  }
}

/** The first alias that stands for nothing; the whole text, if each has its anchor. */
function aliasOf(doc: Document): { from: number; to: number } {
  let [from, , to] = doc.range ?? [0, 0, 0];
  visit(doc, {
    Alias(_, alias) {
      if (alias.resolve(doc) || !alias.range) return undefined;
      [from, to] = alias.range;
      return visit.BREAK;
    },
  });
  return { from, to };
}
