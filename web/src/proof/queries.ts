// What keyhole verify found, and a run on demand.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';

export type Proof = Schemas['Proof'];
export type Report = Schemas['ProofOfTarget'];
export type Line = Schemas['ProofLine'];
type Verdict = Line['verdict'];

const ORDER: readonly Verdict[] = ['fail', 'error', 'skip', 'pass'];
const OFTEN_MS = 2_000;
const SOMETIMES_MS = 15_000;

/** The last report of each target; asked often while a run goes on. */
export const proofQuery = () =>
  queryOptions({
    queryKey: ['proof'],
    queryFn: ({ signal }) => read(api.GET('/api/v1/proof', { signal })),
    select: inOrder,
    refetchInterval: ({ state }) => (state.data?.run?.is_running ? OFTEN_MS : SOMETIMES_MS),
  });

/** What is wrong first: the targets, and the promises of each. */
export function inOrder(found: Proof): Proof {
  const rank = (line: Line) => ORDER.indexOf(line.verdict);
  const worst = (one: Report) => Math.min(...one.lines.map(rank));
  const reports = found.reports
    .map((one) => ({ ...one, lines: one.lines.toSorted((a, b) => rank(a) - rank(b)) }))
    .toSorted((a, b) => worst(a) - worst(b));
  return { ...found, reports };
}

/** Begins a run. */
export const startRun = () => read(api.POST('/api/v1/proof/run'));

/** Drops the report of a target. */
export const forget = (id: string) =>
  read(api.DELETE('/api/v1/proof/reports/{id}', { params: { path: { id } } }));

/** How many promises of all reports ended so. */
export function counted(reports: readonly Report[], verdict: Verdict): number {
  return reports.flatMap((one) => one.lines).filter((line) => line.verdict === verdict).length;
}
