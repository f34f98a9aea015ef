import { expect, test } from 'vitest';

import { tlsSearch } from '../../src/graph/log-search';
import { openSearch } from '../../src/parts/protection';

test('versions of TLS lead to the queries that they count', () => {
  expect(tlsSearch('none', false)).toEqual({ tls: 'none' });
  expect(tlsSearch('1.3', true)).toEqual({ upstream_tls: '1.3' });
  // Of the way out a row has a version or none.
  expect(tlsSearch('unknown', true)).toEqual({ upstream_tls: 'none' });
});

test('reasons of an open lock lead each to the queries that it is about', () => {
  expect(openSearch('cleartext')).toEqual({ protection: 'unencrypted' });
  expect(openSearch('mesh')).toEqual({ transport: 'mesh' });
  expect(openSearch('network_only')).toEqual({ proof: 'network' });
  expect(openSearch('unknown_token')).toEqual({ proof: 'unproved', reason: 'unknown_token' });
});
