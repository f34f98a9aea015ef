// The kinds of documents, where each is shown, and how a new one begins.
import type { Schemas } from '../api/client';
import type { Kind } from '../parts/kind';

export { PAGES, type Kind } from '../parts/kind';

/** A document as the API gives it. */
export type StoredDocument = Schemas['Document'];
/** A version of a stored document. */
export type StoredVersion = Schemas['DocumentVersion'];

const SPECS: Record<Kind, string> = {
  Policy: '  default: allow\n  rules: []\n',
  List: '  kind: block\n  urls: []\n',
  Client: '  addresses: []\n',
  Record: '  name: ""\n',
  Upstream: '  protocol: dot\n  addresses: []\n',
  TrustDomain: '  bundle: bundle.pem\n',
  LogExclusion: '  names: []\n',
};

/** The text of a new document. */
export const newText = (kind: Kind, name = ''): string =>
  `apiVersion: keyhole.dev/v1\nkind: ${kind}\nmetadata:\n  name: ${name || '""'}\nspec:\n${SPECS[kind]}`;

/** The text of a new policy for one client. */
export const newPolicyFor = (subject: string): string =>
  newText('Policy').replace('spec:\n', () => `spec:\n  subjects: [${JSON.stringify(subject)}]\n`);
