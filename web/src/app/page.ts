// What a page is, and what it is given.
import type { Component } from 'svelte';

import type { Role } from '../api/session.svelte';

/** What a page is given. */
export interface PageProps {
  /** The parts of the path behind the page's own: /settings/people gives ['people'] to /settings. */
  rest: string[];
}

/** One page. */
export interface Page {
  /** Where it is; everything below belongs to it too. Parts of a path have no dot in them. */
  path: string;
  /** Its name in the navigation and in the title of the window. */
  label: string;
  icon: Component;
  /** Its code, loaded at the first visit. */
  load: () => Promise<{ default: Component<PageProps> | Component }>;
  /** The least role that has a use for it; others do not see it. */
  role: Role;
  /** Whether it is about a time range, which the navigation then takes along. */
  hasRange?: boolean;
  /**
   * What the parts behind its own path are: `name` of the document to open, or its `own` pages.
   * Without it, nothing is there.
   */
  below?: 'name' | 'own';
  /** Where it stands in the navigation; `none`: it is found by search and by links. */
  group: 'see' | 'decide' | 'settings' | 'none';
}
