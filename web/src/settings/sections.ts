// The contents of the sub-pages of the settings.
import type { Component } from 'svelte';

import type { Role } from '../api/session.svelte';
import { SECTIONS, type SectionId } from '../app/sections';
import AccountPage from './account/AccountPage.svelte';
import AuditPage from './audit/AuditPage.svelte';
import DocumentsPage from './documents/DocumentsPage.svelte';
import PeoplePage from './people/PeoplePage.svelte';
import AboutPage from './system/AboutPage.svelte';
import SystemPage from './system/SystemPage.svelte';
import UnloggedPage from './system/UnloggedPage.svelte';
import TokensPage from './tokens/TokensPage.svelte';

/** One sub-page: /settings/ID. */
export interface Section {
  id: string;
  label: string;
  about: string;
  role: Role;
  content: Component;
  /** Whether ?name= opens a document in it, which has a header of its own. */
  hasDocuments?: boolean;
}

const CONTENTS: Record<SectionId, Component> = {
  account: AccountPage,
  people: PeoplePage,
  tokens: TokensPage,
  audit: AuditPage,
  documents: DocumentsPage,
  'network-and-log': SystemPage,
  unlogged: UnloggedPage,
  about: AboutPage,
};

export const sections: Section[] = SECTIONS.map((one) => ({
  ...one,
  content: CONTENTS[one.id],
  hasDocuments: one.id === 'unlogged',
}));
