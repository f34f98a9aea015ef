// Quarantines: clients that get no answer for a time, and what people do about them.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';
import { link } from '../app/router.svelte';
import { shortClient } from '../parts/client';
import { readNetwork, relation } from '../parts/network';
import { text } from '../strings';

export type Quarantine = Schemas['Quarantine'];

const OFTEN_MS = 5_000;

/** All that are in force, the newest first. */
export const quarantinesQuery = () =>
  queryOptions({
    queryKey: ['quarantines'],
    queryFn: async ({ signal }) => (await read(api.GET('/api/v1/quarantines', { signal }))).items,
    refetchInterval: OFTEN_MS,
  });

/** Who is meant, in the words of other answers of the API. */
export interface Client {
  kind: string;
  /** The SPIFFE ID, the name of the token, an address or a network. */
  value: string;
  /** The Client document that names it. */
  document?: string | null | undefined;
}

/** As whom a client is put in quarantine: its document where there is one, so that it does not
 * escape by leaving its token out. Undefined for one that nothing proves or that is not named. */
export function subjectOf({ kind, value, document }: Client): string | undefined {
  if (!value || !['identity', 'token', 'address', 'network'].includes(kind)) return undefined;
  if (document) return `client:${document}`;
  return kind === 'token' ? `token:${value}` : value;
}

/** The quarantine that a client is in; undefined for none. */
export function quarantineOf(
  client: Client,
  all: readonly Quarantine[] | undefined,
): Quarantine | undefined {
  const own = subjectOf(client);
  if (!own) return undefined;
  const alone = subjectOf({ ...client, document: null });
  return all?.find((one) => [own, alone].includes(one.client) || holds(one.client, client));
}

function holds(written: string, { kind, value }: Client): boolean {
  if (kind !== 'address' && kind !== 'network') return false;
  const [outer, inner] = [readNetwork(written), readNetwork(value)];
  if (!outer || !inner) return false;
  return ['equal', 'inside'].includes(relation(inner, outer) ?? '');
}

/** What its client is called. */
export function calledOf({ client }: Quarantine): string {
  const named = /^(client|token):(.*)$/.exec(client);
  if (!named) return shortClient(client);
  return named[1] === 'token' ? text.quarantines.token(named[2] ?? '') : (named[2] ?? '');
}

/** Who imposed it. */
export const byWhom = ({ who }: Quarantine): string =>
  who === 'keyhole' ? text.quarantines.policy : who;

/** The page of its client; a document has a page of its own. */
export function hrefOf({ client }: Quarantine): string {
  return client.startsWith('client:')
    ? link('/clients', { contains: client.slice('client:'.length) })
    : link('/clients', { client });
}

/** Refuses every query of a client for so many seconds. */
export const impose = (client: string, seconds: number, why: string) =>
  read(api.POST('/api/v1/quarantines', { body: { client, seconds, why } }));

/** Ends a quarantine before its time. */
export const lift = (number: number, why: string) =>
  read(
    api.POST('/api/v1/quarantines/{number}/lift', {
      params: { path: { number } },
      body: { why: why || null },
    }),
  );
