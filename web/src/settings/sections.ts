// The sub-pages of the settings, in the order of their navigation.
import type { Component } from 'svelte';

import type { Role } from '../api/session.svelte';
import { text } from '../strings';
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
  /** The least role that the API lets in. */
  role: Role;
  content: Component;
  /** Whether ?name= opens a document in it, which has a header of its own. */
  hasDocuments?: boolean;
}

const words = text.settings.sections;

export const sections: Section[] = [
  { id: 'account', ...words.account, role: 'viewer', content: AccountPage },
  { id: 'people', ...words.people, role: 'administrator', content: PeoplePage },
  { id: 'tokens', ...words.tokens, role: 'administrator', content: TokensPage },
  { id: 'audit', ...words.audit, role: 'viewer', content: AuditPage },
  { id: 'documents', ...words.documents, role: 'viewer', content: DocumentsPage },
  { id: 'network-and-log', ...words.system, role: 'viewer', content: SystemPage },
  {
    id: 'unlogged',
    ...words.unlogged,
    role: 'viewer',
    content: UnloggedPage,
    hasDocuments: true,
  },
  { id: 'about', ...words.about, role: 'viewer', content: AboutPage },
];
