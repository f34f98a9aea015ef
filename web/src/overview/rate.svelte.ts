// Queries per second: the first point is what control says, and each look at the counters of the
// engine adds one.
import type { Schemas } from '../api/client';

const POINTS = 60;

/** The rate now, and how it was while the page was open. */
export class Rate {
  /** Queries per second; the newest last. */
  values = $state.raw<number[]>([]);
  #before: { total: number; at: number } | undefined;

  /** The newest value; undefined until it is known. */
  get now(): number | undefined {
    return this.values.at(-1);
  }

  /** Takes a status that came at this time, in milliseconds. */
  add(status: Schemas['Status'], at: number): void {
    const total = Object.values(status.queries ?? {}).reduce((all, count) => all + count, 0);
    const before = this.#before;
    if (before && at <= before.at) return;
    this.#before = { total, at };
    // An engine that was started again counts from zero.
    const isNew = !before || total < before.total;
    const value = isNew ? status.rate : ((total - before.total) * 1000) / (at - before.at);
    if (value !== null) this.values = [...this.values, value].slice(-POINTS);
  }
}
