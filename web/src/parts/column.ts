// What a table shows.
import type { Snippet } from 'svelte';

/** One column. `cell` draws a value; without it `text` gives it. */
export interface Column<Row> {
  key: string;
  label: string;
  text?: (row: Row) => string;
  cell?: Snippet<[Row]>;
  align?: 'start' | 'end';
  /** 1 is always there, 2 goes on a narrow table, 3 on a middling one, 4 on all but a wide one. */
  rank?: 1 | 2 | 3 | 4;
  /** Takes the space that is left, and cuts what is longer. */
  isWide?: boolean;
  /** Takes the space that is left on a narrow table, and breaks its lines there. */
  isBroken?: boolean;
  isCode?: boolean;
}

/** The classes of its cells. */
export const classesOf = <Row>(one: Column<Row>) => [
  `rank${one.rank ?? 1}`,
  { end: one.align === 'end', wide: one.isWide, broken: one.isBroken, code: one.isCode },
];
