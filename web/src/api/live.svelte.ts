// Server-sent events (HTML, section 9.2) that pause while the tab is hidden and come back.
import { visibility } from './visibility.svelte';

const FIRST_MS = 1_000;
const MAX_MS = 30_000;

/** What a stream does: `paused` is by a hidden tab or by the caller. */
export type LiveState = 'connecting' | 'open' | 'waiting' | 'paused';

/** How to call: an event's name, and what to do with its data, which the API writes as JSON. */
export type LiveHandlers = Record<string, (data: unknown) => void>;

/** A running stream. */
export interface Live {
  readonly state: LiveState;
}

/**
 * Follows a stream while the component is there. `path` may use reactive values: a new path is a new
 * stream, and null pauses it. Call it while a component starts, as `$effect`.
 *
 * Browsers open six connections to a server at most, and each stream holds one: follow a stream once
 * and share what it says.
 */
export function live(path: () => string | null, handlers: LiveHandlers): Live {
  let state = $state<LiveState>('paused');

  $effect(() => {
    const url = path();
    if (url === null || !visibility.isShown) {
      state = 'paused';
      return;
    }
    const stream = new Stream(url, handlers, (now) => (state = now));
    return () => stream.close();
  });

  return {
    get state() {
      return state;
    },
  };
}

class Stream {
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = FIRST_MS;

  constructor(
    readonly url: string,
    readonly handlers: LiveHandlers,
    readonly tell: (state: LiveState) => void,
  ) {
    this.#open();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #open(): void {
    this.tell('connecting');
    const source = new EventSource(this.url);
    this.#source = source;
    source.onopen = () => {
      this.#wait = FIRST_MS;
      this.tell('open');
    };
    // The browser's own attempts end at the first answer that is no stream.
    source.onerror = () => {
      source.close();
      this.tell('waiting');
      this.#timer = setTimeout(() => this.#open(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, MAX_MS);
    };
    for (const [name, handle] of Object.entries(this.handlers)) {
      source.addEventListener(name, (event: MessageEvent<string>) =>
        handle(JSON.parse(event.data)),
      );
    }
  }
}
