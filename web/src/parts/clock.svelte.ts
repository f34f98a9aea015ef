// The time as pages show it: one clock for all ages, which goes on while somebody looks.
import { createSubscriber } from 'svelte/reactivity';

const TICK_MS = 1_000;

class Clock {
  // Runs from the first to the last place that shows an age.
  readonly #follow = createSubscriber((tick) => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const start = () => {
      clearInterval(timer);
      // What is hidden costs nothing.
      timer = document.hidden ? undefined : setInterval(tick, TICK_MS);
    };
    const onchange = () => {
      start();
      if (!document.hidden) tick();
    };
    start();
    document.addEventListener('visibilitychange', onchange);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', onchange);
    };
  });

  /** Milliseconds of Unix time. What reads it in a component or effect is done again each second. */
  get now(): number {
    this.#follow();
    return Date.now();
  }
}

/** The clock of the page. */
export const clock = new Clock();
