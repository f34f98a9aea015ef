export const records = {
  about: 'Names that Keyhole answers by itself and never sends upstream.',
  create: 'New record',
  name: 'Name',
  data: 'Data',
  ttl: 'TTL',
  policies: 'For clients of',
  all: 'all policies',
  source: 'Source',
  none: 'No records',
  noneMore:
    'A record gives a name an address, an alias or a text of your own: printers, servers, names inside a company.',
};

export const upstreams = {
  about: 'The servers that Keyhole asks, encrypted and authenticated.',
  create: 'New upstream',
  all: 'all upstreams',
  name: 'Upstream',
  domains: 'Asked for',
  otherNames: 'all other names',
  someDomains: (domains: string[]) =>
    domains.length > 2
      ? `${domains.slice(0, 2).join(', ')} and ${domains.length - 2} more`
      : domains.join(', '),
  health: 'Health',
  latency: 'Latency',
  share: 'Share',
  certificate: 'Certificate',
  source: 'Source',
  healthy: 'Healthy',
  untried: 'No answer yet',
  away: 'Away',
  unused: 'Not in use',
  ends: (when: string) => `ends ${when}`,
  asked: 'Queries',
  failed: 'Failed',
  connections: 'Connections',
  test: 'Test it now',
  testing: 'Testing …',
  again: 'Test again',
  testTitle: (name: string) => `Test of ${name}`,
  testAbout:
    'It is asked for the root name servers, or for those of its first domain, with the same checks as the engine makes.',
  ofAll: (share: string) => `${share} of all, since the engine started`,
  sinceStart: 'since the engine started',
  openNow: 'open now',
  last: (why: string) => `Last error: ${why}`,
  answered: (time: string) => `It answered the test in ${time}.`,
  silent: (why: string) => `It did not answer the test: ${why}`,
  noCertificate:
    'It has shown none yet: no connection was needed, none succeeded, or it has no TLS.',
  order: 'Order in policies',
  place: (place: number, of: number) => (of === 1 ? 'the only one' : `${place} of ${of}`),
  noOrder: 'No policy names it. Policies that name no upstream use all, in the order of documents.',
  names: 'For',
  issuer: 'Issued by',
  end: 'Valid until',
  pin: 'Pin',
  pinned: (isIt: boolean, count: number) =>
    isIt
      ? 'This pin is in the document.'
      : count
        ? 'Not in the pins of the document; a pin of its issuer or of another address is.'
        : 'The document has no pins: name and issuer prove who it is.',
  none: 'No upstreams',
  noneMore:
    'Without one, Keyhole answers only its own records. Make one: a server of DNS over TLS or HTTPS.',
};
