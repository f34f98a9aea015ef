// Networks as a policy names them, and how two of them lie to each other.

/** The first `prefix` of `bits` bits of `value`; the others are zero. */
export interface Network {
  bits: 32 | 128;
  value: bigint;
  prefix: number;
}

/** How a network lies to another one; undefined if no address is in both. */
export type Relation = 'equal' | 'inside' | 'covers' | undefined;

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** Reads a network such as 192.0.2.0/24; an address alone is a network of one. */
export function readNetwork(written: string): Network | undefined {
  const [address = '', length, ...rest] = written.trim().split('/');
  const bits = address.includes(':') ? 128 : 32;
  const value = bits === 32 ? readIpv4(address) : readIpv6(address);
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (value === undefined || rest.length || prefix < 0 || prefix > bits) return undefined;
  const free = BigInt(bits - prefix);
  return { bits, value: (value >> free) << free, prefix };
}

/** How the first network lies to the second one. */
export function relation(one: Network, other: Network): Relation {
  if (one.bits !== other.bits) return undefined;
  const free = BigInt(one.bits - Math.min(one.prefix, other.prefix));
  if (one.value >> free !== other.value >> free) return undefined;
  if (one.prefix === other.prefix) return 'equal';
  return one.prefix > other.prefix ? 'inside' : 'covers';
}

function readIpv4(written: string): bigint | undefined {
  const bytes = written.split('.').map(Number);
  if (!IPV4.test(written) || bytes.some((one) => one > 255)) return undefined;
  return bytes.reduce((sum, one) => sum * 256n + BigInt(one), 0n);
}

function readIpv6(written: string): bigint | undefined {
  // The last two groups may be written as IPv4 (RFC 4291, section 2.2).
  const last = written.slice(written.lastIndexOf(':') + 1);
  const low = last.includes('.') ? readIpv4(last) : undefined;
  if (last.includes('.') && low === undefined) return undefined;
  const plain =
    low === undefined
      ? written
      : `${written.slice(0, -last.length)}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const halves = plain.split('::').map((half) => (half ? half.split(':') : []));
  const [head = [], tail] = halves;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length > 2 || (tail ? missing < 1 : missing !== 0)) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...(tail ?? [])];
  if (!groups.every((one) => GROUP.test(one))) return undefined;
  return groups.reduce((sum, one) => (sum << 16n) + BigInt(`0x${one}`), 0n);
}
