// Every word of the page that a person reads, by feature. Components hold none, so that a
// translation is another catalog of this type. Words of the API (reasons, outcomes) come from
// `words.ts`, the same as everywhere in Keyhole.
import { app } from './app';
import { clear } from './clear';
import { client, clients } from './clients';
import { decisions } from './decisions';
import { documents } from './documents';
import { enroll } from './enroll';
import { findings } from './findings';
import { graph } from './graph';
import { lists } from './lists';
import { query } from './log-query';
import { log } from './log';
import { login } from './login';
import { overview } from './overview';
import { pages } from './pages';
import { parts } from './parts';
import { policies } from './policies';
import { proof } from './proof';
import { quarantines } from './quarantines';
import { records, upstreams } from './records';
import { settings } from './settings';
import { start } from './start';
import { words } from './words';

export const text = {
  app,
  clear,
  client,
  clients,
  decisions,
  documents,
  enroll,
  findings,
  graph,
  lists,
  log,
  login,
  overview,
  pages,
  parts,
  policies,
  proof,
  quarantines,
  query,
  records,
  settings,
  start,
  upstreams,
  words,
};

/** What a translation has to give. */
export type Catalog = typeof text;
