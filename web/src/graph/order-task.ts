// What is ordered, and how an order grows. Here is no dagre: the page itself does without it.

/** What the order depends on; it can be sent to a worker. */
export interface OrderTask {
  nodes: { id: string; group: string; column: number }[];
  links: { source: string; target: string }[];
}

/** The order of before with what is new at its end. */
export function extended(before: readonly string[], ids: readonly string[]): string[] {
  const there = new Set(ids);
  const known = new Set(before);
  return [...before.filter((id) => there.has(id)), ...ids.filter((id) => !known.has(id)).sort()];
}
