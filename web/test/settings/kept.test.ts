import { expect, it } from 'vitest';

import { withoutSecret, withSecret } from '../../src/settings/kept';

const anna = { name: 'anna', secret: '1' };
const tom = { name: 'tom', secret: '2' };

it('keeps the first secret when a second one comes', () => {
  expect(withSecret([anna], tom)).toEqual([tom, anna]);
});

it('replaces a secret of the same name, which does not work any more', () => {
  expect(withSecret([tom, anna], { name: 'anna', secret: '3' })).toEqual([
    { name: 'anna', secret: '3' },
    tom,
  ]);
});

it('puts away one secret and no other', () => {
  expect(withoutSecret([tom, anna], 'tom')).toEqual([anna]);
});
