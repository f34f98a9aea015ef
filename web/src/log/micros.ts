// Times of the log, exact to the microsecond: `Date` knows milliseconds.

/** Microseconds of Unix time of an ISO 8601 time in UTC, as the API writes it. */
export function microsOf(iso: string): number {
  const [, whole = iso, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(iso) ?? [];
  return Date.parse(`${whole}Z`) * 1_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** The ISO 8601 time of microseconds of Unix time. */
export function isoOf(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const rest = String(micros - seconds * 1_000_000).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${rest}Z`;
}
