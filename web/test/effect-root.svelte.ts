/** Runs code with effects outside of a component; gives how to end it. */
export const effectRoot = (run: () => void): (() => void) => $effect.root(run);
