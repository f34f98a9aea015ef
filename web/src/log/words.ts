// How single values of the log are shown.
import type { Search } from '../app/router.svelte';
import { shortClient } from '../parts/client';
import { text } from '../strings';
import type { QueryRow } from './rows.svelte';

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const dayClock = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const SECOND_LEVELS = ['ac', 'co', 'com', 'edu', 'gov', 'net', 'org'];

/** Whether a time is of this day; nothing is. */
export function isToday(iso: string | undefined): boolean {
  return iso === undefined || new Date(iso).toDateString() === new Date().toDateString();
}

/** The time of a row. */
export const rowTime = (iso: string): string =>
  (isToday(iso) ? clock : dayClock).format(new Date(iso));

/** The client by its best name: identity, token, address; none if the log has none. */
export const clientOf = (row: QueryRow): string | null =>
  row.identity ?? row.token ?? row.client ?? null;

/** The search for the queries of this client alone: others may share its address. */
export function clientSearch(row: QueryRow): Search {
  const { identity, token, client } = row;
  if (identity) {
    const isClaimed = row.lock_in.how === 'unproved';
    return { client: identity, client_kind: isClaimed ? 'claimed' : 'identity' };
  }
  if (token) return { client: token, client_kind: 'token' };
  return { client, client_kind: client ? 'address' : undefined };
}

/** A reason in words: `blocked_by_list` is `blocked by list`. */
export const reasonWords = (reason: string): string => reason.replaceAll('_', ' ');

/** The transport as people write it. */
export const transportWords = (transport: string): string =>
  text.words.transports[transport] ?? transport;

/** The registered domain of a name by its labels, as the API groups by it. */
export function domainOf(name: string): string | undefined {
  // A dot within a label is escaped.
  const labels = name.split(/(?<!\\)\./);
  if (labels.length < 2) return undefined;
  const isCountry =
    labels.length > 2 && labels.at(-1)?.length === 2 && SECOND_LEVELS.includes(labels.at(-2) ?? '');
  return labels.slice(isCountry ? -3 : -2).join('.');
}

/**
 * A logged name as documents and decisions take it: every octet that is no letter, digit, `-` or `_`
 * is escaped there (RFC 1035, section 5.1); the log escapes fewer.
 */
export const writtenName = (logged: string): string =>
  logged.replaceAll(/\\(?:\d{3}|.)|[^A-Za-z0-9_.-]/gs, (one) =>
    one.startsWith('\\') ? one : `\\${one}`,
  );

/** The client as a row shows it: what it did not prove is only claimed. */
export function shownClient(row: QueryRow): string {
  const client = clientOf(row);
  if (client === null) return text.log.anonymous;
  if (row.client_name) return row.client_name;
  const isClaimed = row.identity && row.lock_in.how === 'unproved';
  return isClaimed ? text.log.claimed(shortClient(client)) : shortClient(client);
}

/** How a client is named in a decision. */
export function decisionClient(row: QueryRow): string | null {
  if (row.identity) return row.identity;
  return row.token ? `token:${row.token}` : row.client;
}

const barDay = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

const minutes = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** A time below the histogram: without seconds where there are none. */
export function axisTime(moment: number, isLong: boolean): string {
  return !isLong && moment % 60_000 === 0 ? minutes.format(moment) : barTime(moment, isLong);
}

/** A time of the histogram, in milliseconds; with the day where the span is longer than one. */
export const barTime = (moment: number, isLong: boolean): string =>
  (isLong ? barDay : clock).format(moment);
