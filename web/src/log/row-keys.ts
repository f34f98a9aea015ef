// The keys that go from row to row.

/**
 * The number of the row that a key leads to; undefined for every other key. `page` is how many rows
 * are seen, `first` the number of the first row of `count`.
 */
export function stepOf(
  key: string,
  here: number,
  page: number,
  first: number,
  count: number,
): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: here + 1,
    ArrowUp: here - 1,
    PageDown: here + page,
    PageUp: here - page,
    Home: first,
    End: first + count - 1,
  };
  return steps[key];
}
