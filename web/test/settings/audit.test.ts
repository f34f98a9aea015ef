import { expect, it } from 'vitest';

import { fullTime } from '../../src/parts/format';
import { isMissing, linesOfDetail, refreshOf, subjectsOf } from '../../src/settings/audit/entry';

it('asks anew for the audit trail only while one page of it is shown', () => {
  expect(refreshOf()).toBe(15_000);
  expect(refreshOf(1)).toBe(15_000);
  expect(refreshOf(2)).toBe(false);
});

it('says that an entry does not exist only where the answer says so', () => {
  expect(isMissing({ data: null, error: null, isLoading: false })).toBe(true);
  expect(isMissing({ data: undefined, error: new Error('no answer'), isLoading: false })).toBe(
    false,
  );
  expect(isMissing({ data: undefined, error: null, isLoading: true })).toBe(false);
});

it('names what was revoked and what was given back', () => {
  const identity = 'spiffe://keyhole.lab/ns/shop/sa/cart';
  expect(subjectsOf({ before: {}, after: { identities: [identity] } })).toEqual([identity]);
  const certificates = [`51 of ${identity}`];
  expect(subjectsOf({ before: { certificates }, after: {} })).toEqual(certificates);
  expect(subjectsOf({ after: { 'Policy/web': 'a digest' } })).toEqual(['Policy/web']);
});

it('shows the times within an entry in the zone of the person, as all others', () => {
  const time = '2026-12-01T14:59:41Z';
  const lines = linesOfDetail({ before: `all policies until ${time}`, after: { until: time } });
  expect(lines).toEqual([
    { key: 'before', lines: [`all policies until ${fullTime(time)}`] },
    { key: 'after', lines: [`until: ${fullTime(time)}`] },
  ]);
});
