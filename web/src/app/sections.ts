// The sub-pages of the settings, in the order of their navigation: also what the search knows of them.
import type { Role } from '../api/session.svelte';
import { text } from '../strings';

const words = text.settings.sections;

/** Each at /settings/ID, with the least role that the API lets in. */
export const SECTIONS = [
  { id: 'account', ...words.account, role: 'viewer' },
  { id: 'people', ...words.people, role: 'administrator' },
  { id: 'tokens', ...words.tokens, role: 'administrator' },
  { id: 'audit', ...words.audit, role: 'viewer' },
  { id: 'documents', ...words.documents, role: 'viewer' },
  { id: 'network-and-log', ...words.system, role: 'viewer' },
  { id: 'unlogged', ...words.unlogged, role: 'viewer' },
  { id: 'about', ...words.about, role: 'viewer' },
] as const satisfies { id: string; label: string; about: string; role: Role }[];

export type SectionId = (typeof SECTIONS)[number]['id'];
