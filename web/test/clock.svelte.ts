import { flushSync } from 'svelte';

/** Runs an effect as the part of a page that shows something; gives how to take it away. */
export function shown(effect: () => unknown): () => void {
  const stop = $effect.root(() => {
    $effect(() => {
      effect();
    });
  });
  flushSync();
  return stop;
}
