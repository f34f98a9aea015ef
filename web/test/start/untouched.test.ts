import { expect, test } from 'vitest';

import { isUntouched } from '../../src/documents/policy-spec';
import { known } from './known';

const shipped = '  default: allow\n  upstreams: [quad9]\n  privateAddresses: block\n';
const upstream = known('Upstream', 'quad9', '  protocol: doh\n');

test('a first start is one whose only policy is the one that comes with Keyhole', () => {
  const first = known('Policy', 'default', shipped);
  expect(isUntouched([first, upstream])).toBe(true);
  const list = known('List', 'hagezi-light', '  policies: [default]\n');
  expect(isUntouched([first, list, upstream])).toBe(true);
  expect(isUntouched([upstream])).toBe(false);
  expect(isUntouched([first, known('List', 'ads', '  kind: block\n')])).toBe(false);
  expect(isUntouched([first, known('Policy', 'kids', '  subjects: [group:kids]\n')])).toBe(false);
  expect(isUntouched([known('Policy', 'default', shipped, 'stored')])).toBe(false);
});

test('a policy that somebody wrote is no first start', () => {
  const written = ['  default: deny\n', '  log: full\n', `${shipped}  log: none\n`];
  const open = '  default: allow\n  privateAddresses: allow\n';
  for (const spec of [...written, open, '  default: allow\n  rules: []\n'])
    expect(isUntouched([known('Policy', 'default', spec)]), spec).toBe(false);
  expect(isUntouched([known('Policy', 'home', shipped)])).toBe(false);
});
