import { describe, expect, test } from 'vitest';

import { specOf } from '../../src/documents/policy-spec';
import type { StoredDocument } from '../../src/documents/kinds';
import { propose, type Choice } from '../../src/start/propose';
import { known } from './known';

const NETWORK = '192.0.2.0/24';

function proposed(there: StoredDocument[], choice: Partial<Choice> = {}) {
  const all = { upstreams: [], lists: [], own: '', networks: NETWORK, ...choice };
  const { documents, warnings } = propose(all, there, []);
  const find = (name: string) => documents.find((one) => one.name === name);
  const spec = (name: string) => specOf(find(name) as unknown as StoredDocument);
  return { documents, warnings, find, spec };
}

describe('a new policy', () => {
  const careful = `  default: deny
  mode: observe
  log: none
  include: [more]
  upstreams: {names: [inside], hedge: 100ms}
  privateAddresses: {allow: ["*.plex.example"]}
  specialNames: {forward: [corp]}
  blockedTtl: 5m
  lists: {names: [ads], answer: refused}
  rules: [{allow: [www.example.org]}]
`;

  test('has all that the policy for all other clients decides, and includes it', () => {
    const { spec } = proposed([known('Policy', 'home', careful)]);
    expect(spec('first')).toEqual({
      subjects: [`cidr:${NETWORK}`],
      include: ['home'],
      default: 'deny',
      mode: 'observe',
      log: 'none',
      upstreams: { names: ['inside'], hedge: '100ms' },
      privateAddresses: { allow: ['*.plex.example'] },
      specialNames: { forward: ['corp'] },
      blockedTtl: '5m',
      lists: { names: [], answer: 'refused' },
      rules: [],
    });
  });

  test('adds the choices to a list that is written with its other settings', () => {
    const { spec } = proposed([known('Policy', 'home', careful)], {
      own: 'ads.example.com',
      upstreams: ['quad9'],
    });
    expect(spec('first')?.lists).toEqual({ names: ['own-names'], answer: 'refused' });
    expect(spec('first')?.upstreams).toEqual({ names: ['quad9'], hedge: '100ms' });
  });

  test('denies where the default is left out, and where no policy is for all other clients', () => {
    const short = known('Policy', 'home', '  log: full\n');
    expect(proposed([short]).spec('first')?.default).toBe('deny');
    const others = known('Policy', 'kids', '  subjects: [group:kids]\n  default: allow\n');
    const alone = proposed([others]);
    expect(alone.spec('first')?.default).toBe('deny');
    expect(alone.spec('first')?.include).toBeUndefined();
    expect(alone.warnings.join()).toContain('they are refused now');
  });

  test('does not begin as a policy that cannot be read or that names no client', () => {
    const wrong = known('Policy', 'wrong', '  default: allow\n  : [\n');
    const empty = known('Policy', 'part', '  subjects: []\n  default: allow\n');
    expect(proposed([wrong, empty]).spec('first')?.default).toBe('deny');
    const nothing = known('Policy', 'home', '  subjects: null\n  default: allow\n');
    expect(proposed([nothing]).spec('first')?.default).toBe('allow');
  });

  test('is said to take clients of another policy over, where it would', () => {
    const base = known('Policy', 'default', '  default: allow\n');
    const strict = known('Policy', 'office', `  subjects: ["cidr:${NETWORK}"]\n  default: deny\n`);
    const said = (networks: string) => proposed([base, strict], { networks }).warnings.join();
    expect(said('192.0.2.7')).toContain('would leave that policy');
    expect(said(NETWORK)).toContain('One network cannot have two policies');
    expect(said('192.0.0.0/16')).toContain('stay with that policy');
    expect(said('127.0.0.0/8')).toBe('');
  });

  test('is said to lose the records that only other clients see', () => {
    const base = known('Policy', 'home', '  default: allow\n');
    const record = known('Record', 'nas', '  name: nas.example.org\n  policies: [home]\n');
    expect(proposed([base, record]).warnings.join()).toContain('nas');
  });
});

describe('a second run', () => {
  const base = known('Policy', 'default', '  default: allow\n');
  const list = (spec: string) => known('List', 'own-names', spec, 'stored');
  const policy = (spec: string) => known('Policy', 'first', spec, 'stored');

  test('adds names as lines and leaves all else in the list as it is', () => {
    const spec = `  # Mine.
  kind: block
  format: domains
  files: [more.txt]
  urls: [https://lists.example.org/a.txt]
  entries: |
    # a comment of several words
    one.example.com # the first
    two.example.com
`;
    const { find } = proposed([base, list(spec)], { own: 'ONE.example.com\nthree.example.com' });
    expect(find('own-names')?.text).toBe(`${list(spec).text}    three.example.com\n`);
    expect(find('own-names')?.version).toBe(3);
  });

  test('takes no comment that is typed for names', () => {
    const { spec } = proposed([base], {
      own: '# of the house\na.example, b.example # both\n/a{1,2}/',
    });
    expect(spec('own-names')?.entries).toBe('a.example\nb.example\n/a{1,2}/\n');
  });

  test('adds no names to a list that allows them', () => {
    const there = list('  kind: allow\n  entries: |\n    a.example\n');
    const { find, spec, warnings } = proposed([base, there], { own: 'b.example' });
    expect(find('own-names')).toBeUndefined();
    expect(spec('first')?.lists).toBeUndefined();
    expect(warnings.join()).toContain('allows its names');
  });

  test('keeps the other settings of lists and upstreams', () => {
    const text = `  subjects: ["cidr:${NETWORK}"]
  lists:
    names: [ads] # chosen with care
    mode: observe
  upstreams: {names: [inside], timeout: 1s}
`;
    const choice = { lists: ['more'], upstreams: ['quad9'] };
    const { spec, find } = proposed([base, policy(text)], choice);
    expect(spec('first')?.lists).toEqual({ names: ['ads', 'more'], mode: 'observe' });
    expect(spec('first')?.upstreams).toEqual({ names: ['quad9'], timeout: '1s' });
    expect(find('first')?.text).toContain('# chosen with care');
  });

  test('gives no networks to a policy that is for all other clients', () => {
    const there = policy('  default: deny\n');
    const { spec, warnings } = proposed([there], { lists: ['ads'] });
    expect(spec('first')).toEqual({ default: 'deny', lists: ['ads'] });
    expect(warnings.join()).toContain('has no networks');
  });

  test('says what the policy that is there decides otherwise for a network that is added', () => {
    const strict = known('Policy', 'home', '  default: deny\n  log: none\n');
    const open = policy('  subjects: ["cidr:127.0.0.0/8"]\n  default: allow\n  log: none\n');
    const { warnings } = proposed([strict, open]);
    expect(warnings.join()).toContain('take the place of those of home: default.');
    expect(warnings.join()).toContain('does not include home');
    expect(proposed([strict, open], { networks: '127.0.0.0/8' }).warnings).toEqual([]);
  });
});
