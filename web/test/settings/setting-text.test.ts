import { expect, it } from 'vitest';
import { parse } from 'yaml';

import type { Setting } from '../../src/settings/queries';
import { valuesOf, yamlOf } from '../../src/settings/system/setting-text';

const setting = (name: string, value: unknown) =>
  ({ name, value: value === null ? null : JSON.stringify(value) }) as Setting;

const ALL = [
  setting('dnstap.socket', '[::1]:6000'),
  setting('dnstap.on', true),
  setting('dnstap.word', 'yes'),
  setting('dnstap.none', null),
  setting('log.keep', '8MiB'),
  setting('log.days', 30),
  setting('log.clients', ['127.0.0.0/8', '*.example.org', '@home']),
  setting('log.roles', { 'dns-admins': 'administrator' }),
];

it('shows a text that begins with a bracket as the text that it is', () => {
  expect(ALL.map(valuesOf)).toEqual([
    ['[::1]:6000'],
    ['true'],
    ['yes'],
    [],
    ['8MiB'],
    ['30'],
    ['127.0.0.0/8', '*.example.org', '@home'],
    ['dns-admins: administrator'],
  ]);
});

it('writes lines that YAML reads as the same values, with quotes only where they are needed', () => {
  const text = yamlOf(ALL);
  expect(text).toContain('socket: "[::1]:6000"\n');
  expect(text).toContain('word: "yes"\n');
  expect(text).toContain('keep: 8MiB\n');
  expect(text).toContain('  # none:\n');
  expect(parse(text)).toEqual({
    dnstap: { socket: '[::1]:6000', on: true, word: 'yes' },
    log: {
      keep: '8MiB',
      days: 30,
      clients: ['127.0.0.0/8', '*.example.org', '@home'],
      roles: { 'dns-admins': 'administrator' },
    },
  });
});
