/** The values by their key, in the order in which they came. */
export function grouped<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of values) {
    const name = key(one);
    const there = found.get(name);
    if (there) there.push(one);
    else found.set(name, [one]);
  }
  return found;
}
