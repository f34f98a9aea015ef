// How the state of a list is shown.
import type { ListSource, ListSummary } from './queries';

type Tone = 'plain' | 'answered' | 'failed' | 'accent' | 'blocked';

const TONES: Record<ListSummary['state'], Tone> = {
  'in force': 'answered',
  'held back': 'failed',
  downloading: 'accent',
  compiling: 'accent',
  waiting: 'accent',
  unused: 'plain',
};

/** The color of a state; what is wrong with a source stands out over all. */
export function toneOf(list: ListSummary): Tone {
  // While a download is tried again, its state no longer says that the last one failed.
  if (list.sources.some((one) => one.failing_since)) return 'failed';
  return TONES[list.state] ?? 'plain';
}

/** When the oldest of its sources was confirmed as current; undefined without a download. */
export function ageOf(list: ListSummary): string | undefined {
  const checked = list.sources.map((one) => one.checked ?? one.fetched);
  if (!checked.length || checked.some((one) => !one)) return undefined;
  return checked.sort()[0] ?? undefined;
}

/** How much of a download is here, from 0 to 1; undefined where its size is not known. */
export function shareOf({ octets, total }: ListSource): number | undefined {
  return total ? Math.min(1, octets / total) : undefined;
}
