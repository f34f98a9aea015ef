import { expect, test } from 'vitest';

import {
  calledOf,
  quarantineOf,
  replacedBy,
  subjectOf,
  widened,
  type Quarantine,
} from '../../src/quarantines/ask';

const of = (client: string): Quarantine => ({
  number: 1,
  client,
  since: '2026-11-01T00:00:00Z',
  until: '2026-11-02T00:00:00Z',
  who: 'keyhole',
  why: null,
});
const WEB = 'spiffe://keyhole.lab/ns/shop/sa/web';

test('a client with a document is named by it, and found by its credential too', () => {
  const tv = { kind: 'token', value: 'tv', document: 'living-room' };
  expect(subjectOf(tv)).toBe('client:living-room');
  expect(quarantineOf(tv, [of('client:living-room')])).toBeDefined();
  expect(quarantineOf(tv, [of('token:tv')])).toBeDefined();
  expect(quarantineOf(tv, [of('token:radio')])).toBeUndefined();
});

test('an address is found by the network that it lies in', () => {
  const one = { kind: 'address', value: '2001:db8::7' };
  expect(quarantineOf(one, [of('2001:db8::/56')])).toBeDefined();
  expect(quarantineOf({ kind: 'address', value: '192.0.2.9' }, [of('192.0.2.8')])).toBeUndefined();
  expect(quarantineOf({ kind: 'network', value: '192.0.2.0/24' }, [of('192.0.2.8')])).toBe(
    undefined,
  );
});

test('an address is refused alone, not as the document whose network it lies in', () => {
  const one = { kind: 'address', value: '10.7.0.9', document: 'office' };
  expect(subjectOf(one)).toBe('10.7.0.9');
  expect(subjectOf({ ...one, kind: 'network', value: '10.7.0.0/24' })).toBe('10.7.0.0/24');
  expect(quarantineOf(one, [of('client:office')])).toBeDefined();
  expect(quarantineOf(one, [of('10.7.0.0/24')])).toBeDefined();
});

test.each([
  ['2001:db8::7', '2001:db8::/56'],
  ['2001:db8:0:12::7', '2001:db8::/56'],
  ['2001:db8:a:bcde:1:2:3:4', '2001:db8:a:bc00::/56'],
  ['::1', '::/56'],
  ['2001:db8::/48', undefined],
  ['192.0.2.7', undefined],
  ['token:tv', undefined],
  ['client:a:b', undefined],
  ['spiffe://keyhole.lab/a', undefined],
])('what is refused for %s is said: %s', (subject, network) => {
  expect(widened(subject)).toBe(network);
});

test('a quarantine replaces that of the same subject only', () => {
  expect(replacedBy('2001:db8::7', [of('2001:db8::/56')])).toBeDefined();
  expect(replacedBy('2001:db8::7', [of('2001:db8::/48')])).toBeUndefined();
  expect(replacedBy('192.0.2.7', [of('192.0.2.7')])).toBeDefined();
  expect(replacedBy('token:tv', [of('token:radio'), of('token:tv')])?.client).toBe('token:tv');
  expect(replacedBy('token:tv', undefined)).toBeUndefined();
});

test('who proved nothing is in no quarantine of the one that it claims to be', () => {
  const claimed = { kind: 'claimed', value: WEB };
  expect(subjectOf(claimed)).toBeUndefined();
  expect(quarantineOf(claimed, [of(WEB)])).toBeUndefined();
});

test('a quarantine is called as its client is', () => {
  expect(calledOf(of(WEB))).toBe('shop/web');
  expect(calledOf(of('token:tv'))).toBe('token tv');
  expect(calledOf(of('client:living-room'))).toBe('living-room');
});
