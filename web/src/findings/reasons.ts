// Which reasons of the log stand in which part of the page.
import { text } from '../strings';

export const SHARE: readonly string[] = ['overloaded', 'connection_over_limit'];
export const TUNNELS: readonly string[] = [
  'tunnel_budget',
  'tunnel_throttled',
  'tunnel_split',
  'tunnel_type',
  'missing_domains',
];
export const CLIENTS: readonly string[] = Object.keys(text.findings.reasons).filter(
  (reason) => !SHARE.includes(reason) && !TUNNELS.includes(reason),
);

/** Whether queries ended for one of these reasons. */
export const some = (by: Record<string, number> | undefined, reasons: readonly string[]): boolean =>
  reasons.some((reason) => (by?.[reason] ?? 0) > 0);
