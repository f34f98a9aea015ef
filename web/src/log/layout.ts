// How wide columns are, and which of them fit.
import type { ColumnKey } from './columns';

const WIDTHS: Record<ColumnKey, { least: number; css: string }> = {
  time: { least: 76, css: '76px' },
  client: { least: 130, css: 'minmax(130px, 1.4fr)' },
  lock_in: { least: 26, css: '26px' },
  transport: { least: 44, css: '44px' },
  name: { least: 230, css: 'minmax(230px, 2fr)' },
  type: { least: 52, css: '52px' },
  outcome: { least: 72, css: '72px' },
  reason: { least: 140, css: 'minmax(140px, 1.2fr)' },
  policy: { least: 84, css: 'minmax(84px, 0.7fr)' },
  list: { least: 84, css: 'minmax(84px, 0.7fr)' },
  lock_out: { least: 26, css: '26px' },
  upstream: { least: 110, css: 'minmax(110px, 0.8fr)' },
  wait: { least: 60, css: '60px' },
};
const GAP = 12;
const PADDING = 32;
/** The times of other days have the day in front. */
const LONG_TIME = 136;

/** Which columns go first where there is not enough room. */
const DROPPED: ColumnKey[] = [
  'upstream',
  'list',
  'policy',
  'reason',
  'type',
  'wait',
  'lock_out',
  'transport',
  'outcome',
  'lock_in',
];

/** The columns that fit into a width in pixels. */
export function fitting(chosen: readonly ColumnKey[], width: number, isLong: boolean): ColumnKey[] {
  let kept = [...chosen];
  for (const one of DROPPED) {
    if (needed(kept, isLong) <= width) break;
    kept = kept.filter((key) => key !== one);
  }
  return kept;
}

/** The columns as `grid-template-columns`. */
export function template(columns: readonly ColumnKey[], isLong: boolean): string {
  return columns
    .map((key) => (key === 'time' && isLong ? `${LONG_TIME}px` : WIDTHS[key].css))
    .join(' ');
}

function needed(columns: readonly ColumnKey[], isLong: boolean): number {
  const widths = columns.map((key) => (key === 'time' && isLong ? LONG_TIME : WIDTHS[key].least));
  return widths.reduce((sum, one) => sum + one + GAP, PADDING - GAP);
}
