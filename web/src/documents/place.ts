// Values that may be written in two ways: short, or as a key of a mapping.
import type { FormField } from './form-field';
import { isWithin, valueAt, type Path } from './path';
import { isMapping } from './policy-spec';
import { moveBelow, setValue, type Value } from './yaml-text';

/** Where a mapping may be written as one value, and the key that this value stands for. `empty` is
 * what the key holds where nothing is written: without one, the others may stand alone. */
const SHORT: { at: Path; key: string; empty?: Value }[] = [
  { at: ['spec', 'lists'], key: 'names', empty: [] },
  { at: ['spec', 'upstreams'], key: 'names', empty: [] },
  { at: ['spec', 'tunneling'], key: 'mode' },
];

/** Where a value stands now: `lists: [ads]` or `lists: {names: [ads]}`. */
export function placeOf(one: FormField, value: unknown): Path {
  if (!one.isShort) return one.path;
  const above = one.path.slice(0, -1);
  return isMapping(valueAt(value, above)) ? one.path : above;
}

/** The text in which `path` holds `now`: what stands short above it is written in full first, and
 * keeps its comments and anchor. */
export function setWritten(text: string, path: Path, now: Value, value: unknown): string {
  const short = SHORT.find(({ at }) => isWithin(path, at) && path.length === at.length + 1);
  if (!short) return setValue(text, path, now);
  const found = valueAt(value, short.at);
  const key = String(path.at(-1));
  if (isMapping(found)) {
    // Beside other keys, the one that may not be left out stays, and is empty.
    const isNeeded = key === short.key && Object.keys(found).some((one) => one !== key);
    return setValue(text, path, now ?? (isNeeded ? short.empty : undefined));
  }
  if (now === undefined) return setValue(text, path, undefined);
  if (found !== undefined) return setValue(moveBelow(text, short.at, short.key), path, now);
  const kept = short.empty === undefined ? {} : { [short.key]: short.empty };
  return setValue(text, short.at, { ...kept, [key]: now });
}
