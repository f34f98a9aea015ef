import { expect, it } from 'vitest';

import { partsOf, withVersions } from '../../src/settings/documents/stream';

const STREAM = `# the first
kind: Record
metadata: {name: 007}

---

kind: Record
metadata: {name: b}
--- {kind: Record,
  metadata: {name: c}}
---
# keyhole-version: 9
kind: Record
metadata: {name: d}
--- # the last
kind: Record
metadata: {name: e}
`;
const versions: Record<string, number> = { 'Record/007': 1, 'Record/b': 2, 'Record/c': 3 };
const versioned = () => withVersions(STREAM, partsOf(STREAM), (label) => versions[label] ?? 0);

it('keeps a name of digits as the text that it is', () => {
  expect(partsOf(STREAM).map(({ label }) => label)).toEqual([
    'Record/007',
    'Record/b',
    'Record/c',
    'Record/d',
    'Record/e',
  ]);
});

it('names the version that each document was compared with, and leaves a version of the text', () => {
  expect(versioned().text).toBe(`# the first
# keyhole-version: 1
kind: Record
metadata: {name: 007}

---

# keyhole-version: 2
kind: Record
metadata: {name: b}
---
# keyhole-version: 3
    {kind: Record,
  metadata: {name: c}}
---
# keyhole-version: 9
kind: Record
metadata: {name: d}
--- # the last
# keyhole-version: 0
kind: Record
metadata: {name: e}
`);
});

it('says the lines of the text as the person has it', () => {
  const { text, lineOf } = versioned();
  expect(text.split('\n').map((_, at) => lineOf(at + 1))).toEqual([
    1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9, 9, 9, 10, 11, 12, 13, 14, 15, 16, 16, 17, 18,
  ]);
});

it('reads on where an alias has no anchor, as in a plain *.example.com', () => {
  const found = partsOf(
    'kind: Policy\nspec: *.example.com\n---\nkind: List\nmetadata: {name: a}\n',
  );
  expect(found.map(({ label }) => label)).toEqual(['', 'List/a']);
});
