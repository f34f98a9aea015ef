// Light, dark, or as the system says. public/theme.js reads the same key before the first paint.
const KEY = 'keyhole.theme';

export type Theme = 'system' | 'light' | 'dark';

class Choice {
  /** What the person chose. */
  theme = $state<Theme>(stored());

  /** Chooses a theme, and keeps it in this browser. */
  choose(theme: Theme): void {
    this.theme = theme;
    const root = document.documentElement;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      if (theme === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Without storage it holds until the page is loaded again.
    }
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after each change, by the person or the system: canvases draw again. */
  onChange(listener: () => void): () => void {
    const system = matchMedia('(prefers-color-scheme: dark)');
    this.#listeners.add(listener);
    system.addEventListener('change', listener);
    return () => {
      this.#listeners.delete(listener);
      system.removeEventListener('change', listener);
    };
  }

  readonly #listeners = new Set<() => void>();
}

function stored(): Theme {
  const given = document.documentElement.dataset.theme;
  return given === 'light' || given === 'dark' ? given : 'system';
}

/** The theme. */
export const choice = new Choice();
