import { audit } from './settings-audit';
import { documents } from './settings-documents';
import { imports } from './settings-imports';
import { people, provider, tokens } from './settings-people';
import { account, password, secondFactor, sessions } from './settings-account';
import { aboutPage, system, unlogged } from './settings-system';

export const settings = {
  sections: {
    account: { label: 'Account', about: 'Your password, your second factor and your sessions.' },
    people: { label: 'People', about: 'Who may use this page and the API, and with which role.' },
    tokens: { label: 'Tokens', about: 'What lets programs use the API.' },
    audit: { label: 'Audit trail', about: 'Who did what and when. Nobody can change it.' },
    documents: {
      label: 'Documents',
      about: 'Export all documents as one file, and import such a file.',
    },
    system: {
      label: 'Network and log',
      about: 'Addresses, access, log and privacy, as they run now.',
    },
    unlogged: {
      label: 'Not logged',
      about: 'Names whose queries no log has, whoever asks.',
    },
    about: { label: 'About', about: 'Version, license and engines.' },
  },
  may: {
    viewer: 'Reads documents, queries, statistics and the audit trail.',
    operator: 'May also change documents, lists, pauses and decisions.',
    administrator: 'May also manage people, tokens and the credentials of clients.',
  },
  putAway: 'Put it away',
  account,
  audit,
  documents,
  imports,
  password,
  people,
  provider,
  secondFactor,
  sessions,
  system,
  tokens,
  aboutPage,
  unlogged,
};
