// Follows new queries. While somebody reads, they wait, and nothing moves.
import { untrack } from 'svelte';

import { live } from '../api/live.svelte';
import { link } from '../app/router.svelte';
import { apiFilter, isSame, type Filter } from './filters';
import { microsOf } from './micros';
import type { QueryRow, RowWindow } from './rows.svelte';

const MAX_WAITING = 1_000;
// A busy control finds a query some seconds after it was asked: later than the stream begins.
const CATCH_UP_MS = [0, 5_000, 20_000];

/** What the tail needs: the window, whether the view has no end, and whether somebody reads. */
interface Given {
  window: () => RowWindow;
  filter: () => Filter;
  isPossible: () => boolean;
  isHeld: () => boolean;
  /** Begins with a new window: more has come than can wait. */
  reload: () => void;
}

/** The state of the tail. */
export class Tail {
  /** Switched off by the person. */
  isPaused = $state(false);
  /** New queries that are not shown yet. */
  waiting = $state.raw<QueryRow[]>([]);
  /** How many more there are, which the list has to load. */
  left = $state(0);
  /** How many came too fast to be shown while it followed. */
  skipped = $state(0);
  readonly #stream;
  #isReady = false;
  /** What a search has brought: the stream may say it again. */
  #searched = new Set<string>();
  #filter: Filter = {};

  /** Call it while a component starts. */
  constructor(readonly given: Given) {
    this.#stream = live(
      () => (given.isPossible() ? link('/api/v1/queries/live', apiFilter(given.filter())) : null),
      {
        query: (data) => this.#take([data as QueryRow]),
        left_out: (data) => {
          if (this.isFollowing) this.skipped += Number(data);
          else this.left += Number(data);
        },
      },
    );
    $effect(() => {
      if (this.#stream.state !== 'open') return;
      const timers = CATCH_UP_MS.map((wait) => setTimeout(() => void this.#catchUp(), wait));
      return () => timers.forEach(clearTimeout);
    });
    $effect(() => {
      if (given.isHeld() || this.isPaused) return;
      untrack(() => (this.left > 0 ? given.reload() : this.#flush()));
    });
  }

  /** Whether new queries are shown as they come. */
  get isFollowing(): boolean {
    return this.given.isPossible() && !this.isPaused && !this.given.isHeld();
  }

  get state() {
    return this.#stream.state;
  }

  /** New queries that wait. */
  get count(): number {
    return this.waiting.length + this.left;
  }

  /** Begins anew with a window that has all until now. */
  reset(): void {
    this.waiting = [];
    this.left = 0;
    this.skipped = 0;
    this.#isReady = false;
    this.#filter = this.given.filter();
  }

  /** The window has its first rows: what came meanwhile may be among them. */
  begin(): void {
    this.#searched = new Set(this.given.window().rows.map(face));
    this.waiting = this.waiting.filter((one) => !this.#searched.has(face(one)));
    this.#isReady = true;
    if (this.isFollowing) this.#flush();
    if (this.state === 'open') void this.#catchUp();
  }

  #take(rows: QueryRow[]): void {
    // The stream of the filter before may say something yet.
    if (!isSame(this.#filter, this.given.filter())) return;
    const fresh = rows.filter((one) => !this.#searched.has(face(one)));
    if (fresh.length === 0) return;
    const all = [...fresh, ...this.waiting];
    if (rows.length > 1) all.sort((a, b) => microsOf(b.time) - microsOf(a.time));
    this.left += Math.max(0, all.length - MAX_WAITING);
    this.waiting = all.slice(0, MAX_WAITING);
    if (this.isFollowing) this.#soon();
  }

  /** A stream begins when it is open: what came before that is asked for. */
  async #catchUp(): Promise<void> {
    const window = this.given.window();
    if (!this.#isReady || !window.isAtBegin) return;
    const newest = await window.newest();
    if (window !== this.given.window()) return;
    const known = new Set([...window.rows.slice(0, MAX_WAITING), ...this.waiting].map(face));
    const fresh = newest.filter((one) => !known.has(face(one)));
    if (fresh.length === 0) return;
    if (fresh.length === newest.length && window.rows.length > 0) this.given.reload();
    else this.#take(fresh);
    this.#searched = new Set(newest.map(face));
  }

  #frame = 0;

  /** Once a frame: a burst is one change of the list. */
  #soon(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.isFollowing) this.#flush();
    });
  }

  #flush(): void {
    const window = this.given.window();
    if (!this.#isReady || !window.isAtBegin || this.waiting.length === 0) return;
    const rows = this.waiting;
    this.waiting = [];
    window.add(rows);
  }
}

/** What tells queries apart that came both by a search and by the stream. */
function face(row: QueryRow): string {
  const at = microsOf(row.time);
  return JSON.stringify([at, row.name, row.type, row.transport, row.client, row.identity]);
}
