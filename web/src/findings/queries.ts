// Findings, and what people do with them.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';
import { link } from '../app/router.svelte';
import { shortClient } from '../parts/client';
import { count, octets } from '../parts/format';
import { text } from '../strings';

export type Finding = Schemas['Finding'];

const OFTEN_MS = 5_000;

/** All findings, those with the newest queries first. */
export const findingsQuery = () =>
  queryOptions({
    queryKey: ['findings'],
    queryFn: async ({ signal }) => (await read(api.GET('/api/v1/findings', { signal }))).items,
    refetchInterval: OFTEN_MS,
  });

/** A change of the state of a finding. */
export interface Change {
  number: number;
  action: 'mute' | 'close' | 'reopen';
  why: string;
  /** How long a mute lasts. */
  days: number;
}

/** Makes the change. */
export async function change({ number, action, why, days }: Change): Promise<Finding> {
  const params = { path: { number } };
  if (action === 'mute') {
    const body = { seconds: Math.round(days * 86_400), why };
    return read(api.POST('/api/v1/findings/{number}/mute', { params, body }));
  }
  const body = { why: why || null };
  return action === 'close'
    ? read(api.POST('/api/v1/findings/{number}/close', { params, body }))
    : read(api.POST('/api/v1/findings/{number}/reopen', { params, body }));
}

/** Who it is about, in a few words. */
export function who({ client, clients }: Finding): string {
  if (client.kind === 'anonymous') return text.findings.list.anonymous;
  if (client.kind === 'several') return text.findings.list.several(clients ?? 0);
  return (
    client.name ?? shortClient(client.kind === 'token' ? `token:${client.value}` : client.value)
  );
}

/** Its client as quarantines name it; one that is called by a document is held by that. */
export const quarantined = ({ client }: Finding) => ({
  kind: client.kind,
  value: client.value,
  document: client.name_source === 'document' ? client.name : null,
});

/** How much made it one, with its unit. */
export function amount(one: Finding): string {
  const missing = one.kind === 'missing';
  return missing ? text.findings.list.domains(count(one.octets)) : octets(one.octets);
}

/** Its queries in the log. */
export function logOf({ client, domain, first, last }: Finding): string {
  const value = client.kind === 'token' ? `token:${client.value}` : client.value;
  const until = new Date(new Date(last).getTime() + 1_000).toISOString();
  return link('/log', {
    client: value || undefined,
    below: domain || undefined,
    since: first,
    until,
  });
}
