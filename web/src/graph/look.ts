// How lines and nodes look: by what they are, by a step of a replay, and by what is chosen.
import { share } from '../parts/format';
import { text } from '../strings';
import type { StepCounts } from './replay';
import { isNames } from './links';
import { linkSentence, lockWords, reasonWords } from './words';
import type { Verdict } from './traffic';
import type { Link } from './types';

/** A line as it is drawn. */
export interface LinkLook {
  link: Link;
  isClosed: boolean;
  /** Whether nothing is known: neither closed nor open. */
  isUnknown: boolean;
  /** Beside the lock; empty for a closed one. */
  words: string;
  sentence: string;
  /** Without traffic in the time that is shown. */
  isFaint: boolean;
  isChosen: boolean;
  /** Whether the keyboard comes here. */
  isCurrent: boolean;
  /** In pixels. */
  width: number;
  /** Queries per second. */
  rate: number;
  verdicts: Partial<Record<Verdict, number>>;
}

/** A step of a replay: counts of each line, and its length in seconds. */
export interface Moment {
  counts: ReadonlyMap<string, StepCounts>;
  seconds: number;
}

/** Lines are thicker by the logarithm of their rate. */
export const widthOf = (rate: number): number =>
  Math.min(4, 1.25 + 0.9 * Math.log10(1 + 20 * Math.max(0, rate)));

export interface Chosen {
  edge: string | undefined;
  node: string | undefined;
  /** The line that the keyboard is at. */
  current: string | undefined;
}

export function lookOf(
  link: Link,
  labels: ReadonlyMap<string, string>,
  chosen: Chosen,
  moment: Moment | null,
): LinkLook {
  const shared = {
    link,
    isChosen: chosen.edge === link.id,
    isCurrent: chosen.current === link.id,
  };
  if (moment && !isNames(link)) {
    const counts = moment.counts.get(link.id);
    return { ...shared, ...atMoment(link, labels, counts, moment.seconds) };
  }
  const { queries, by_outcome, rate } = link.main.traffic;
  const now = link.isQuiet ? 0 : rate;
  return {
    ...shared,
    isClosed: link.lock.closed,
    isUnknown: link.lock.state === 'unknown',
    words: lockWords(link.lock, queries),
    sentence: linkSentence(link, labels),
    isFaint: link.isQuiet === true,
    width: widthOf(now),
    rate: now,
    verdicts: by_outcome,
  };
}

function atMoment(
  link: Link,
  labels: ReadonlyMap<string, string>,
  counts: StepCounts | undefined,
  seconds: number,
) {
  const { queries = 0, errors = 0, blocked = 0, unprotected = 0 } = counts ?? {};
  const rate = queries / seconds;
  const ends = `${labels.get(link.source) ?? ''} → ${labels.get(link.target) ?? ''}`;
  // What the step does not say, the whole time does: why the lock was open.
  const why = reasonWords(link.lock.reasons[0]?.reason ?? '');
  const part = unprotected === queries ? '' : `${share(unprotected / queries)} `;
  const words = unprotected > 0 ? `${part}${why}` : '';
  // The step does not say of how many queries nothing is known.
  const isUnknown = unprotected === 0 && link.main.traffic.unknown > 0;
  const usual = isUnknown ? text.graph.lockUnknown : text.graph.lockClosed;
  const state = words ? text.graph.lockOpen(words) : usual;
  return {
    isClosed: queries === 0 ? link.lock.closed : unprotected === 0 && !isUnknown,
    isUnknown,
    words,
    sentence: queries === 0 ? `${ends}: ${text.graph.replay.quiet}` : `${ends}: ${state}`,
    isFaint: queries === 0,
    width: widthOf(rate),
    rate,
    verdicts: { answered: queries - errors - blocked, failed: errors, blocked },
  };
}
