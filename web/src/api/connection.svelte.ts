// Whether the API answers. Where it does not, it is asked every few seconds until it does.
import { visibility } from './visibility.svelte';

const FIRST_MS = 1_000;
const MAX_MS = 10_000;

type Listener = () => void;

class Connection {
  /** Whether the last request had no answer. */
  isLost = $state(false);
  readonly #back = new Set<Listener>();
  #wait = FIRST_MS;

  /** Calls `listener` each time when the connection is there again; returns how to stop that. */
  onBack(listener: Listener): () => void {
    this.#back.add(listener);
    return () => this.#back.delete(listener);
  }

  /** A request had no answer. */
  lost(): void {
    if (this.isLost) return;
    this.isLost = true;
    this.#wait = FIRST_MS;
    this.#tryLater();
  }

  /** A request had an answer. */
  works(): void {
    if (!this.isLost) return;
    this.isLost = false;
    for (const listener of this.#back) listener();
  }

  #tryLater(): void {
    setTimeout(() => void this.#try(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, MAX_MS);
  }

  async #try(): Promise<void> {
    if (!this.isLost) return;
    await visibility.shown();
    try {
      await fetch('/api/v1/health', { cache: 'no-store' });
      this.works();
    } catch {
      this.#tryLater();
    }
  }
}

/** The connection to the API. */
export const connection = new Connection();
