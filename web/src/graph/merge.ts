// Adding up what the API counted apart.
import type { GraphEdge, Lock, Traffic } from './types';

type Counts = Record<string, number>;

/** The sums. Percentiles cannot be added: of several parts there are none. */
export function mergedTraffic(parts: readonly Traffic[]): Traffic {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const queries = sum(parts.map((one) => one.queries));
  const unknown = sum(parts.map((one) => one.unknown));
  const blocked = sum(parts.map((one) => one.blocked_share * one.queries));
  // The share of those of which it is known.
  const part = (field: 'encrypted_share' | 'authenticated_share') =>
    queries === unknown
      ? 0
      : sum(parts.map((one) => one[field] * (one.queries - one.unknown))) / (queries - unknown);
  return {
    queries,
    rate: sum(parts.map((one) => one.rate)),
    by_outcome: mergedCounts(parts.map((one) => one.by_outcome)),
    by_reason: mergedCounts(parts.map((one) => one.by_reason)),
    by_transport: mergedCounts(parts.map((one) => one.by_transport)),
    errors: sum(parts.map((one) => one.errors)),
    blocked_share: queries === 0 ? 0 : blocked / queries,
    encrypted_share: part('encrypted_share'),
    authenticated_share: part('authenticated_share'),
    unprotected: sum(parts.map((one) => one.unprotected)),
    unknown,
    waited: sum(parts.map((one) => one.waited)),
    wait_us: null,
  };
}

/** Open if one of them is. The reasons keep their words; their sentences are of the API. */
export function mergedLock(parts: readonly Lock[]): Lock {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const byReason = new Map<string, { reason: string; queries: number; text: string }>();
  for (const one of parts.flatMap((lock) => lock.reasons)) {
    const before = byReason.get(one.reason);
    const queries = (before?.queries ?? 0) + one.queries;
    // The sentence begins with the number of queries.
    const text = before ? one.text.replace(/^[\d,]+ quer(y|ies)/, `${queries} queries`) : one.text;
    byReason.set(one.reason, { reason: one.reason, queries, text });
  }
  const reasons = [...byReason.values()].sort((a, b) => b.queries - a.queries);
  const known = parts.filter((one) => one.state !== 'unknown');
  const state =
    known.length === 0 ? 'unknown' : known.every((one) => one.closed) ? 'closed' : 'open';
  return { closed: state === 'closed', state, reasons };
}

/** One edge for several; it gets the ends of the picture. */
export function mergedEdge(parts: readonly GraphEdge[], source: string, target: string): GraphEdge {
  const first = parts[0] as GraphEdge;
  return {
    ...first,
    id: `${source}>${target}:${first.kind}`,
    source,
    target,
    how: mergedCounts(parts.map((one) => one.how)),
    tls: mergedCounts(parts.map((one) => one.tls)),
    upstreams: mergedCounts(parts.map((one) => one.upstreams)),
    policies: mergedCounts(parts.map((one) => one.policies)),
    traffic: mergedTraffic(parts.map((one) => one.traffic)),
    lock: mergedLock(parts.map((one) => one.lock)),
  };
}

/** Counts by word, the highest first. */
export function mergedCounts(parts: readonly Counts[]): Counts {
  const sums: Counts = {};
  for (const one of parts) {
    for (const [word, count] of Object.entries(one)) sums[word] = (sums[word] ?? 0) + count;
  }
  return Object.fromEntries(Object.entries(sums).sort((a, b) => b[1] - a[1]));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
