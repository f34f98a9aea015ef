// The rows that are in the browser: a window of the log that grows at both ends and is cut at both,
// so that millions of queries can be scrolled through.
import { api, read, type Schemas } from '../api/client';
import { apiFilter, type Filter } from './filters';
import { isoOf, microsOf } from './micros';

/** One query. */
export type QueryRow = Schemas['QueryRow'];

/** What is shown: a filter, and a span of time with ISO 8601 ends. */
export interface View {
  filter: Filter;
  since?: string | undefined;
  until?: string | undefined;
}

/** Where one end of the window goes on. */
interface Edge {
  cursor?: string | undefined;
  /** A time in place of a cursor, after rows were cut away. */
  micros?: number | undefined;
}

const PAGE = 200;
export const MAX_ROWS = 4_000;
/** Rows that stay in the window while new ones come in above. */
export const MAX_LIVE = 1_000;

/** The window on the rows of one view, newest first. */
export class RowWindow {
  rows = $state.raw<QueryRow[]>([]);
  /**
   * The number of the first row: it goes down when rows come in above, and up when they are cut
   * away there. A row keeps its number, so what is read can stay where it is.
   */
  first = $state.raw(0);
  isLoading = $state(true);
  error = $state.raw<unknown>();
  /** How far back an unfinished search came, while it finds nothing. */
  searchedTo = $state<string>();
  #older: Edge | null = {};
  #newer: Edge | null = null;
  #aborter = new AbortController();
  #busy: { older?: Promise<void> | undefined; newer?: Promise<void> | undefined } = {};

  constructor(readonly view: View) {}

  /** Whether the oldest matching query is here. */
  get isAtEnd(): boolean {
    return this.#older === null;
  }

  /** Whether the newest matching queries are here, so that live ones may follow. */
  get isAtBegin(): boolean {
    return this.#newer === null;
  }

  /** Ends what is being loaded. */
  close(): void {
    this.#aborter.abort();
  }

  /** Loads older rows below; resolves when they are here, also if they are on their way already. */
  loadOlder(): Promise<void> {
    const edge = this.#older;
    if (edge === null) return Promise.resolve();
    return this.#load('older', async () => {
      const page = await this.#page(edge, 'newest');
      this.searchedTo = page.searched_to ?? undefined;
      this.#older = page.next ? { cursor: page.next } : null;
      this.rows = [...this.rows, ...page.items];
      this.#cutAbove(MAX_ROWS);
    });
  }

  /** Loads newer rows above, which were cut away before. */
  loadNewer(): Promise<void> {
    const edge = this.#newer;
    if (edge === null) return Promise.resolve();
    return this.#load('newer', async () => {
      const page = await this.#page(edge, 'oldest');
      this.#newer = page.next ? { cursor: page.next } : null;
      this.#prepend(page.items.toReversed());
      this.#cutBelow(MAX_ROWS);
    });
  }

  /** Puts live rows above, newest first. */
  add(rows: QueryRow[]): void {
    this.#prepend(rows);
    this.#cutBelow(Math.max(MAX_LIVE, rows.length));
  }

  /** The newest rows as they are now; none if they cannot be had. */
  async newest(): Promise<QueryRow[]> {
    try {
      return (await this.#page({}, 'newest')).items;
    } catch {
      return [];
    }
  }

  #prepend(rows: QueryRow[]): void {
    this.rows = [...rows, ...this.rows];
    this.first -= rows.length;
  }

  #load(side: 'older' | 'newer', work: () => Promise<void>): Promise<void> {
    return (this.#busy[side] ??= this.#run(side, work));
  }

  async #run(side: 'older' | 'newer', work: () => Promise<void>): Promise<void> {
    this.isLoading = true;
    this.error = undefined;
    try {
      await work();
    } catch (error) {
      if (!this.#aborter.signal.aborted) this.error = error;
    } finally {
      this.#busy[side] = undefined;
      this.isLoading = Boolean(this.#busy.older ?? this.#busy.newer);
    }
  }

  #page(edge: Edge, order: 'newest' | 'oldest') {
    const { filter, since, until } = this.view;
    const query = {
      ...apiFilter(filter),
      order,
      limit: PAGE,
      ...(edge.cursor ? { cursor: edge.cursor } : {}),
      ...(since ? { since } : {}),
      ...(until ? { until } : {}),
    };
    if (edge.micros !== undefined) {
      if (order === 'newest') query.until = isoOf(edge.micros);
      else query.since = isoOf(edge.micros + 1);
    }
    const signal = this.#aborter.signal;
    return read(api.GET('/api/v1/queries', { params: { query }, signal }));
  }

  /** Rows are cut between two times only: a time then says where to go on. */
  #cutAbove(most: number): void {
    let at = this.rows.length - most;
    if (at <= 0) return;
    while (at < this.rows.length && this.#time(at) === this.#time(at - 1)) at += 1;
    if (at >= this.rows.length) return;
    this.#newer = { micros: this.#time(at) };
    this.rows = this.rows.slice(at);
    this.first += at;
  }

  #cutBelow(most: number): void {
    let end = most;
    if (end >= this.rows.length) return;
    while (end > 0 && this.#time(end) === this.#time(end - 1)) end -= 1;
    if (end === 0) return;
    this.#older = { micros: this.#time(end - 1) };
    this.rows = this.rows.slice(0, end);
  }

  #time(at: number): number {
    return microsOf(this.rows[at]?.time ?? '');
  }
}
