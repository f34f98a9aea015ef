import { expect, test } from 'vitest';

import { shortClient, shortSubject } from '../src/parts/client';

test('a client is shown by namespace and account, whatever its trust domain is', () => {
  expect(shortClient('spiffe://keyhole.lab/ns/shop/sa/web')).toBe('shop/web');
  expect(shortClient('spiffe://keyhole.lab/machine/one')).toBe('machine/one');
  expect(shortClient('127.0.0.1')).toBe('127.0.0.1');
});

test('a subject is shown so that two policies can be told apart', () => {
  expect(shortSubject('spiffe://keyhole.lab/ns/shop/sa/web')).toBe('shop/web');
  expect(shortSubject('spiffe://keyhole.lab/ns/shop/*')).toBe('shop/*');
  expect(shortSubject('spiffe://keyhole.lab/*')).toBe('keyhole.lab/*');
  expect(shortSubject('cidr:10.0.0.0/8')).toBe('cidr:10.0.0.0/8');
});
