// Rows that come in above push nothing away.
import { tick, untrack } from 'svelte';

import type { RowWindow } from './rows.svelte';

interface Given {
  window: () => RowWindow;
  scroller: () => HTMLElement | undefined;
  /** Whether the list stands at its top, where it follows. */
  isAtTop: () => boolean;
  /** The height of a row, in pixels. */
  size: () => number;
}

/** Scrolls by as much as came in above; to the top for other rows. Call it as an effect. */
export function keepPlace({ window, scroller, isAtTop, size }: Given): void {
  let before = untrack(() => ({ window: window(), first: window().first }));
  $effect.pre(() => {
    const now = window();
    const moved = before.window === now ? before.first - now.first : undefined;
    before = { window: now, first: now.first };
    if (moved === undefined) {
      void tick().then(() => scroller()?.scrollTo(0, 0));
    } else if (moved !== 0 && !untrack(isAtTop)) {
      void tick().then(() => scroller()?.scrollBy(0, moved * size()));
    }
  });
}
