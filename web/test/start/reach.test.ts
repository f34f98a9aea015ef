import { expect, test } from 'vitest';

import type { Schemas } from '../../src/api/client';
import { countWorking, namesToTry, placeOf, showPlace } from '../../src/start/reach';

type Upstream = Schemas['Status']['upstreams'][number];

const upstream = (name: string, more: Partial<Upstream> = {}): Upstream => ({
  name,
  protocol: 'doh',
  is_healthy: true,
  condition: 'works',
  since: null,
  asked: 0,
  answered: 0,
  refused: 0,
  connections: 0,
  handshakes: 0,
  round_trip: null,
  certificate: null,
  failed: {},
  last_error: null,
  ...more,
});
const tested = (name: string, is_answered: boolean): Schemas['UpstreamTest'] => ({
  name,
  is_answered,
  certificate: null,
  error: null,
  seconds: null,
});

test('an upstream works once it has answered, or did so in a test', () => {
  const never = [upstream('a'), upstream('b')];
  expect(countWorking(never, {})).toBe(0);
  expect(countWorking(never, { a: tested('a', true) })).toBe(1);
  expect(countWorking([upstream('a', { asked: 2, answered: 2 })], {})).toBe(1);
  expect(countWorking([upstream('a', { answered: 2, refused: 2 })], {})).toBe(0);
  expect(countWorking([upstream('a', { answered: 2 })], { a: tested('a', false) })).toBe(0);
  expect(countWorking([upstream('a', { answered: 2, is_healthy: false })], {})).toBe(0);
});

test('each name is tried once', () => {
  expect(namesToTry('www.example.org', ' WWW.example.org. ')).toEqual(['www.example.org']);
  expect(namesToTry('www.example.org', ' ')).toEqual(['www.example.org']);
  expect(namesToTry('www.example.org', 'a.example')).toEqual(['www.example.org', 'a.example']);
});

test('the name of the page takes the place of an address that nobody can ask', () => {
  const shown = (address: string, page = 'dns.example.org') => showPlace(placeOf(address, page));
  expect(shown('0.0.0.0:53')).toBe('dns.example.org:53');
  expect(shown('[::]:53')).toBe('dns.example.org:53');
  expect(shown('[::]:53', '[2001:db8::1]')).toBe('[2001:db8::1]:53');
  expect(shown('192.0.2.1:5353')).toBe('192.0.2.1:5353');
  expect(shown('[::1]:53')).toBe('[::1]:53');
});
