// Where parts of a document stand in its text.
import { isCollection, isMap, isScalar, type Node, type Pair, type YAMLMap } from 'yaml';

import type { Path } from './path';
import type { Span, YamlText } from './yaml-text';

/** Where the value of a path stands, or its nearest parent; the key too, if `withKey`. */
export function spanOf({ doc }: YamlText, path: Path, withKey = false): Span | undefined {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const above = depth > 1 ? doc.getIn(path.slice(0, depth - 1), true) : doc.contents;
    const step = path[depth - 1];
    const node: unknown = isCollection(above) ? above.get(step, true) : undefined;
    const key = isMap(above) ? keyOf(above, step) : undefined;
    const range = (node as Node | undefined)?.range ?? key?.range;
    if (!range) continue;
    const from = withKey || depth < path.length ? (key?.range?.[0] ?? range[0]) : range[0];
    return { from, to: Math.max(range[1], from) };
  }
  return undefined;
}

function keyOf(map: YAMLMap, step: string | number | undefined): Node | undefined {
  const pair = (map.items as Pair<Node, unknown>[]).find(
    ({ key }) => isScalar(key) && String(key.value) === String(step),
  );
  return pair?.key;
}

/** The content of a line, counted from 1. */
export function lineSpan(text: string, line: number): Span {
  const lines = text.split('\n');
  const at = Math.min(Math.max(line, 1), lines.length) - 1;
  const from = lines.slice(0, at).reduce((sum, one) => sum + one.length + 1, 0);
  return { from, to: from + (lines[at]?.length ?? 0) };
}
