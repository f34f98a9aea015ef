// The lines in which two texts differ (Myers, "An O(ND) Difference Algorithm", 1986).

/** One line of a difference; a line of both texts is `same`. */
export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  text: string;
  /** Its number in the text before and in the text after, from 1. */
  before?: number;
  after?: number;
}

const MAX_EDITS = 2_000;

/** All lines of both texts in order. */
export function difference(before: string, after: string): DiffLine[] {
  const a = linesOf(before);
  const b = linesOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail += 1;
  const kinds = edits(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return number(
    [...Array(head).fill('same'), ...kinds, ...Array(tail).fill('same')] as DiffLine['kind'][],
    a,
    b,
  );
}

/** A difference without what is far from any change; `null` stands for lines that are left out. */
export function hunks(lines: DiffLine[], around = 3): (DiffLine | null)[] {
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - around), at + around + 1).some(({ kind }) => kind !== 'same'),
  );
  return lines.flatMap((line, at) => (near[at] ? [line] : near[at - 1] || at === 0 ? [null] : []));
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function number(kinds: DiffLine['kind'][], a: string[], b: string[]): DiffLine[] {
  let [x, y] = [0, 0];
  return kinds.map((kind) => {
    if (kind === 'removed') return { kind, text: a[x] ?? '', before: (x += 1) };
    if (kind === 'added') return { kind, text: b[y] ?? '', after: (y += 1) };
    return { kind, text: a[x] ?? '', before: (x += 1), after: (y += 1) };
  });
}

function edits(a: string[], b: string[]): DiffLine['kind'][] {
  const trace: Map<number, number>[] = [];
  const furthest = new Map<number, number>([[1, 0]]);
  const at = (k: number) => furthest.get(k) ?? -1;
  const most = Math.min(a.length + b.length, MAX_EDITS);
  for (let d = 0; d <= most; d += 1) {
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(trace, a.length, b.length);
    }
  }
  // Too different to be worth the search.
  return [...a.map(() => 'removed' as const), ...b.map(() => 'added' as const)];
}

function walkBack(trace: Map<number, number>[], x: number, y: number): DiffLine['kind'][] {
  const kinds: DiffLine['kind'][] = [];
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const at = (k: number) => trace[d]?.get(k) ?? -1;
    const k = x - y;
    const isDown = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const fromX = isDown ? at(k + 1) : at(k - 1);
    const fromY = fromX - (isDown ? k + 1 : k - 1);
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      kinds.push('same');
      x -= 1;
      y -= 1;
    }
    if (d > 0) {
      kinds.push(isDown ? 'added' : 'removed');
      [x, y] = [fromX, fromY];
    }
  }
  return kinds.reverse();
}
