// Quarantines: clients that get no answer for a time, and what people do about them.
import { queryOptions } from '@tanstack/svelte-query';

import { api, read, type Schemas } from '../api/client';
import { link } from '../app/router.svelte';
import { shortClient } from '../parts/client';
import { clock as pageClock } from '../parts/clock.svelte';
import { ago } from '../parts/format';
import { readNetwork, relation } from '../parts/network';
import { text } from '../strings';

export type Quarantine = Schemas['Quarantine'];
/** What a change led to; a new quarantine is in it. */
export type Outcome = Schemas['QuarantineLifted'] & { quarantine?: Quarantine };

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

/** As whom a client is put in quarantine. One that proved who it is by its document where there is
 * one, so that it does not escape by leaving its token out. An address by itself: the network of
 * its document may have many others. Undefined for one that nothing proves or that is not named. */
export function subjectOf({ kind, value, document }: Client): string | undefined {
  if (!value) return undefined;
  if (kind === 'address' || kind === 'network') return value;
  if (kind !== 'identity' && kind !== 'token') return undefined;
  if (document) return `client:${document}`;
  return kind === 'token' ? `token:${value}` : value;
}

/** The network that is refused for a subject which is a single IPv6 address: its client takes
 * another address at will. Undefined for every other subject. */
export function widened(subject: string): string | undefined {
  const network =
    subject.includes(':') && !subject.includes('/') ? readNetwork(subject) : undefined;
  if (network?.bits !== 128) return undefined;
  const head = (network.value >> 72n).toString(16).padStart(14, '0');
  const groups = [head.slice(0, 4), head.slice(4, 8), head.slice(8, 12), `${head.slice(12)}00`];
  const written = groups.map((one) => BigInt(`0x${one}`).toString(16)).join(':');
  return `${written.replace(/(?:^|:)0(?::0)*$/, '')}::/56`;
}

/** The quarantine of exactly this subject, which another one of it replaces. */
export function replacedBy(
  subject: string,
  all: readonly Quarantine[] | undefined,
): Quarantine | undefined {
  const wanted = readNetwork(widened(subject) ?? subject);
  return all?.find(({ client }) => {
    const found = wanted && readNetwork(client);
    return found ? relation(found, wanted) === 'equal' : client === subject;
  });
}

/** The quarantine that a client is in; undefined for none. */
export function quarantineOf(
  client: Client,
  all: readonly Quarantine[] | undefined,
): Quarantine | undefined {
  const own = subjectOf(client);
  if (!own) return undefined;
  const alone = subjectOf({ ...client, document: null });
  const names = [own, alone, client.document ? `client:${client.document}` : own];
  return all?.find((one) => names.includes(one.client) || holds(one.client, client));
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

/** Who is refused with a subject, as part of a sentence: more than the client called `name` where
 * the subject is a document or stands for a network. */
export function refusedAs(subject: string, name: string): string {
  const network = widened(subject);
  if (network) return text.quarantines.whole(network);
  const document = /^client:(.*)$/.exec(subject)?.[1];
  return document ? text.quarantines.document(document) : name;
}

/** When it ends, as a sentence without its period. */
export const endOf = ({ until }: Quarantine): string =>
  isOver(until) ? text.quarantines.ended : text.quarantines.ends(ago(until));

/** When it ends, in a few words. */
export const shortEndOf = ({ until }: Quarantine): string =>
  isOver(until) ? text.quarantines.endedShort : ago(until);

const isOver = (until: string): boolean => new Date(until).getTime() <= pageClock.now;

/** Who imposed it. */
export const byWhom = ({ who }: Quarantine): string =>
  who === 'keyhole' ? text.quarantines.policy : who;

/** The page of its client; a document has a page of its own. */
export function hrefOf({ client }: Quarantine): string {
  return client.startsWith('client:')
    ? link('/clients', { contains: client.slice('client:'.length) })
    : link('/clients', { client });
}

/** Refuses every query of a client for so many seconds; `replaces` is the number of one that may
 * be cut short by it. */
export const impose = (client: string, seconds: number, why: string, replaces?: number) =>
  read(
    api.POST('/api/v1/quarantines', {
      body: { client, seconds, why, ...(replaces === undefined ? {} : { replaces }) },
    }),
  );

/** Ends a quarantine before its time. */
export const lift = (number: number, why: string) =>
  read(
    api.POST('/api/v1/quarantines/{number}/lift', {
      params: { path: { number } },
      body: { why: why || null },
    }),
  );
