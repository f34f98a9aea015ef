import { describe, expect, it, test } from 'vitest';

import { formOf } from '../../src/documents/fields';
import type { FormField } from '../../src/documents/form-field';
import { Fresh } from '../../src/documents/fresh.svelte';
import { readPath, type Path } from '../../src/documents/path';
import { placeOf, setWritten } from '../../src/documents/place';
import { namesOf, SERVICES } from '../../src/documents/services';
import { readYaml, type Value } from '../../src/documents/yaml-text';
import { effectRoot } from '../effect-root.svelte';

const HEAD = 'kind: Policy\nspec:\n';
const fields = formOf('Policy').flatMap((group) => group.fields);
const fieldAt = (path: string) => fields.find((one) => one.path.join('.') === path) as FormField;

/** The spec after the form has set a field. */
function after(spec: string, path: string, now: Value): string {
  const text = HEAD + spec;
  const { value } = readYaml(text);
  return setWritten(text, placeOf(fieldAt(path), value), now, value).slice(HEAD.length);
}

describe('a field of a value that may be written short', () => {
  it.each([
    // Nothing is written yet.
    ['  log: full\n', 'spec.tunneling.mode', 'enforce', '  log: full\n  tunneling: enforce\n'],
    ['  log: full\n', 'spec.youtube', 'strict', '  log: full\n  youtube: strict\n'],
    // What stands short is written in full, and kept.
    [
      '  tunneling: enforce\n',
      'spec.tunneling.quarantine',
      '1d',
      '  tunneling:\n    mode: enforce\n    quarantine: 1d\n',
    ],
    [
      '  upstreams: [one, two]\n',
      'spec.upstreams.validate.mode',
      'on',
      '  upstreams:\n    names: [one, two]\n    validate: on\n',
    ],
    [
      '  log: full\n',
      'spec.upstreams.validate.mode',
      'on',
      '  log: full\n  upstreams:\n    names: []\n    validate: on\n',
    ],
    // With its comments, its anchor, and as it is written.
    [
      '  upstreams:\n    # the fast one\n    - one  # first\n    - two\n  log: full\n',
      'spec.upstreams.validate.mode',
      'log',
      '  upstreams:\n    names:\n      # the fast one\n      - one # first\n      - two\n    validate: log\n  log: full\n',
    ],
    [
      '  tunneling: enforce  # agreed\n',
      'spec.tunneling.quarantine',
      '1d',
      '  tunneling:\n    mode: enforce # agreed\n    quarantine: 1d\n',
    ],
    [
      '  upstreams: &u [one]\n  other: *u\n',
      'spec.upstreams.validate.mode',
      'log',
      '  upstreams:\n    names: &u [one]\n    validate: log\n  other: *u\n',
    ],
    // What stands in full stays so.
    [
      '  upstreams: {names: [one], validate: {mode: log, anchors: keys}}\n',
      'spec.upstreams.validate.mode',
      'on',
      '  upstreams: {names: [one], validate: {mode: on, anchors: keys}}\n',
    ],
    [
      '  upstreams: {names: [one], timeout: 1s}\n',
      'spec.upstreams.names',
      undefined,
      '  upstreams: {names: [], timeout: 1s}\n',
    ],
    [
      '  tunneling: {mode: enforce, quarantine: 1d}\n',
      'spec.tunneling.quarantine',
      undefined,
      '  tunneling: {mode: enforce}\n',
    ],
  ])('%s: %s', (spec, path, now, wanted) => {
    expect(after(spec, path, now)).toBe(wanted);
  });
});

test('the field of a quarantine is there where a policy enforces its budgets', () => {
  const isShown = (spec: string) =>
    fieldAt('spec.tunneling.quarantine').isShown?.(readYaml(HEAD + spec).value);
  expect(isShown('  tunneling: enforce\n')).toBe(true);
  expect(isShown('  tunneling: {mode: observe, quarantine: 1d}\n')).toBe(true);
  expect(isShown('  tunneling: observe\n')).toBe(false);
  expect(isShown('  log: full\n')).toBe(false);
});

test('an error of a new part waits until a person was at its field, or all is to be applied', () => {
  effectRoot(() => {
    const fresh = new Fresh();
    const rule: Path = readPath('spec.rules[2]');
    const names: Path = [...rule, 'block'];
    expect(fresh.holds(names)).toBe(false);
    fresh.add(rule);
    expect(fresh.holds(names)).toBe(true);
    expect(fresh.holds(readPath('spec.rules[1].block'))).toBe(false);
    fresh.touch(names);
    expect(fresh.holds(names)).toBe(false);
    expect(fresh.holds(rule)).toBe(false);

    fresh.begin([]);
    fresh.touch(['metadata', 'name']);
    expect(fresh.holds(['metadata', 'name'])).toBe(false);
    expect(fresh.holds(['spec'])).toBe(true);
    fresh.begin();
    expect(fresh.holds(['spec'])).toBe(false);
  });
});

test('a rule may have all names of a service, each domain with what is below it', () => {
  expect(SERVICES).toContain('roblox');
  expect(namesOf('roblox')).toEqual(
    ['roblox.com', 'rbxcdn.com', 'rbx.com'].flatMap((one) => [one, `*.${one}`]),
  );
  expect(namesOf('nothing')).toEqual([]);
});
