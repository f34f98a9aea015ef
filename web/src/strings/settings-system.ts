export const system = {
  about:
    'These settings are read from keyhole.yaml at the start. To change one, write it in that file and restart keyhole up; keyhole check says whether the file is right.',
  file: 'This Keyhole runs with',
  own: 'set in the file',
  yaml: 'As it is written in the file',
  yamlOf: (title: string) => `${title} in keyhole.yaml`,
  page: 'Who may reach this page',
  signIn: 'Signing in',
  dns: 'DNS: listeners and who is served',
  log: 'Query log and history',
  dnstap: 'dnstap',
  events: 'Events to a SIEM',
  policies: 'What policies log',
  policiesAbout: 'The policy of a client decides how much of its queries is written (spec.log).',
  policiesNone: 'All policies log the whole query.',
};

export const aboutPage = {
  title: 'This Keyhole',
  version: 'Version',
  role: 'Role',
  uptime: 'The engine runs for',
  license: 'License',
  api: 'API',
  apiMore:
    'schema/openapi.json describes all routes, docs/reference/api.md the same for people, and docs/reference all settings and documents.',
  engines: 'Engines',
  engine: 'Engine',
  state: 'State',
  snapshot: 'Snapshot',
  report: 'For a report',
  reportText: 'The text to copy',
  reportAbout: 'Copy this when you report a problem. It holds no queries, people or secrets.',
};

export const unlogged = {
  title: 'Names that are not logged',
  document: 'Document',
  names: 'Names',
  source: 'From',
  create: 'Add names',
  none: 'Every name is logged',
  noneMore: 'Open a query in the log to stop logging its name, or add names here.',
  counted:
    'Queries for these names are answered or blocked as before, and counted in the totals by outcome, reason and transport. They are in no log, history, graph, dnstap or trace, so that the figures of clients, names and lists do not have them. What was logged before stays until it is older than log.retention.',
};
