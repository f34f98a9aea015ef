// Changes that are made from the log, and what they would have done to past queries.
import { api, read, type Schemas } from '../api/client';
import type { StoredDocument } from '../documents/kinds';
import { valueAt } from '../documents/path';
import { specOf } from '../documents/policy-spec';

export type ChangeAction = Schemas['DecisionCreate']['action'];
export type DecisionCreate = Schemas['DecisionCreate'];

/** A change that was made, and can be undone. */
export interface Made {
  number: number;
  action: ChangeAction;
  name: string;
  below: boolean;
  /** The client that it is for; none for all. */
  client: string | null;
  /** What documents call this client; nothing if none names it. */
  clientName?: string | null | undefined;
  /** When it ends; none if it does not end by itself. */
  until: string | null;
  /** Why it is not in force yet; empty if it is. */
  whyNot: string;
  /** Policies in which it does not act. */
  leftOut: string[];
}

/** How many past queries a decision would have changed. */
export const simulateQuery = (decision: DecisionCreate) => ({
  queryKey: ['simulate', { ...decision, seconds: null, why: null }],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    read(api.POST('/api/v1/simulate', { body: { decision, limit: 5 }, signal })),
  retry: false,
  staleTime: 10_000,
});

/**
 * The policy in which an allow for all clients changes nothing, if it is this one: it denies by
 * default, and only an allow that names the client opens it.
 */
export function staysBlocked(
  decision: Pick<DecisionCreate, 'action' | 'client'>,
  policy: string | null,
  documents: StoredDocument[],
): string | undefined {
  if (decision.action !== 'allow' || decision.client) return undefined;
  const found = documents.find((one) => one.name === policy && !one.is_shadowed);
  return found && (valueAt(specOf(found), ['default']) ?? 'deny') === 'deny'
    ? found.name
    : undefined;
}

/** Makes a decision. */
export async function decide(decision: DecisionCreate): Promise<Made> {
  const done = await read(api.POST('/api/v1/decisions', { body: decision }));
  const { left_out: leftOut, client_name: clientName, ...made } = done.decision;
  return { ...made, clientName, whyNot: done.why_not, leftOut };
}

/** Takes a decision back. */
export async function undo(made: Made): Promise<void> {
  const params = { path: { number: made.number } };
  await read(api.DELETE('/api/v1/decisions/{number}', { params }));
}
