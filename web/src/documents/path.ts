// Places in a document: `spec.rules[2].types`, as the API writes them, and as keys and indices.

/** Keys and indices from the top of a document. */
export type Path = readonly (string | number)[];

/** Reads a path as the API writes it. */
export function readPath(text: string): Path {
  return [...text.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? (key ?? '') : Number(index),
  );
}

/** Writes a path as the API does. */
export function showPath(path: Path): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : at ? `.${step}` : step))
    .join('');
}

/** Whether a path leads to `place` or below it. */
export const isWithin = (path: Path, place: Path): boolean =>
  place.every((step, at) => path[at] === step);

/** Whether an error at a path may go with a change of `place`: one of the whole document stays. */
export const isNear = (path: Path, place: Path): boolean =>
  isWithin(path, place) || (path.length > 1 && isWithin(place, path));

/** The value at a path, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}
