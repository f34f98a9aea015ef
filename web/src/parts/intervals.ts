// Equal intervals of a time span: the API leaves out those without queries, a chart must not.

/** A time span in equal intervals; all in seconds. */
export interface Span {
  since: number;
  until: number;
  step: number;
}

/** The starts of all intervals, at whole multiples of their length, as the API counts them. */
export function intervalsOf({ since, until, step }: Span): number[] {
  const first = Math.floor(since / step);
  const length = Math.max(0, Math.ceil(until / step) - first);
  return Array.from({ length }, (_, at) => (first + at) * step);
}
