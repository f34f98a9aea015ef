import { expect, test } from 'vitest';

import { readNetwork, relation, type Network } from '../../src/parts/network';

const between = (one: string, other: string) =>
  relation(readNetwork(one) as Network, readNetwork(other) as Network);

test('networks are equal, inside, around, or have nothing in common', () => {
  expect(between('192.0.2.0/24', '192.0.2.0/24')).toBe('equal');
  expect(between('192.0.2.7', '192.0.2.0/24')).toBe('inside');
  expect(between('0.0.0.0/0', '192.0.2.0/24')).toBe('covers');
  expect(between('192.0.2.0/24', '192.0.3.0/24')).toBeUndefined();
  expect(between('0.0.0.0/0', '::/0')).toBeUndefined();
  expect(between('2001:db8::1', '2001:db8::/32')).toBe('inside');
  expect(between('2001:DB8:0:0::/64', '2001:db8::/64')).toBe('equal');
  expect(between('64:ff9b::192.0.2.1', '64:ff9b::c000:201/128')).toBe('equal');
});

test('what is no network is not read', () => {
  const wrong = ['', '192.0.2', '192.0.2.256', '192.0.2.0/33', '1::2::3', '::/129', '1:2', 'a/b/c'];
  for (const one of wrong) expect(readNetwork(one), one).toBeUndefined();
});
