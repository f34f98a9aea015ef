// Whether a person can see the page: what is hidden costs nothing.
class Visibility {
  /** Whether the tab is shown. */
  isShown = $state(!document.hidden);
  #waiting: (() => void)[] = [];

  constructor() {
    document.addEventListener('visibilitychange', () => {
      this.isShown = !document.hidden;
      if (!this.isShown) return;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const go of waiting) go();
    });
  }

  /** Resolves when the tab is shown; at once if it is. */
  shown(): Promise<void> {
    if (!document.hidden) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** The visibility of the tab. */
export const visibility = new Visibility();
