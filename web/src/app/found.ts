// What the search finds besides pages: documents, rules, clients and what a name leads to.
import BookText from '@lucide/svelte/icons/book-text';
import ListChecks from '@lucide/svelte/icons/list-checks';
import Logs from '@lucide/svelte/icons/logs';
import MonitorSmartphone from '@lucide/svelte/icons/monitor-smartphone';
import Scale from '@lucide/svelte/icons/scale';
import Settings from '@lucide/svelte/icons/settings';
import Server from '@lucide/svelte/icons/server';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import { queryOptions } from '@tanstack/svelte-query';
import type { Component } from 'svelte';

import { api, read, type Schemas } from '../api/client';
import type { Role } from '../api/session.svelte';
import { text } from '../strings';
import { link } from './router.svelte';
import type { Result } from './SearchResults.svelte';
import { SECTIONS } from './sections';

const words = text.app.searchGroups;
const MOST = 5;
const DAY_MS = 86_400_000;
/** A name, or the end of one. */
const NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+\.?$/i;

interface Place {
  group: string;
  icon: Component;
  path: string;
}

const PLACES: Record<string, Place> = {
  Policy: { group: words.policies, icon: ShieldCheck, path: '/policies' },
  List: { group: words.lists, icon: ListChecks, path: '/lists' },
  Record: { group: words.records, icon: BookText, path: '/records' },
  Upstream: { group: words.upstreams, icon: Server, path: '/upstreams' },
};

/** What is searched in; asked once while the search is open. */
export const searchedQuery = (isOpen: boolean) =>
  queryOptions({
    queryKey: ['documents', ':search'],
    queryFn: async ({ signal }) => {
      const query = { limit: 1_000 };
      return (await read(api.GET('/api/v1/documents', { params: { query }, signal }))).items;
    },
    enabled: isOpen,
  });

/** Clients of the last day whose name has this in it. */
export const searchedClientsQuery = (contains: string, isOpen: boolean) =>
  queryOptions({
    queryKey: ['clients', ':search', contains],
    queryFn: async ({ signal }) => {
      const since = new Date(Date.now() - DAY_MS).toISOString();
      const query = { since, contains, limit: MOST };
      return (await read(api.GET('/api/v1/clients', { params: { query }, signal }))).items;
    },
    enabled: isOpen && contains !== '',
    placeholderData: (before) => before,
  });

/** Documents whose name has this in it, and rules that do. */
export function inDocuments(wanted: string, documents: Schemas['Document'][]): Result[] {
  const shown = documents.filter((one) => !one.is_shadowed);
  const named = Object.entries(PLACES).flatMap(([kind, { group, icon, path }]) =>
    shown
      .filter((one) => one.kind === kind && one.name.toLowerCase().includes(wanted))
      .slice(0, MOST)
      .map((one) => ({ group, icon, label: one.name, href: link(path, { name: one.name }) })),
  );
  const rules = shown
    .filter((one) => one.kind === 'Policy')
    .flatMap((one) => rulesOf(one).map((rule) => ({ rule, name: one.name })))
    .filter(({ rule }) => rule.toLowerCase().includes(wanted))
    .slice(0, MOST)
    .map(({ rule, name }, at) => ({
      group: words.rules,
      icon: Scale,
      label: rule,
      kind: name,
      href: link('/policies', { name }),
      id: `rule-${at}`,
    }));
  return [...named, ...rules];
}

/** What a policy allows or blocks, each rule on one line. */
function rulesOf(policy: Schemas['Document']): string[] {
  const rules: string[] = [];
  let isOpen = false;
  for (const written of policy.text.split('\n')) {
    const line = written.trim().replace(/^- (?=allow:|block:)/, '');
    const isRule = /^(allow|block):/.test(line);
    if (isRule) rules.push(line);
    else if (isOpen && line.startsWith('- ')) rules.push(`${rules.pop()} ${line.slice(2)}`);
    isOpen = isRule || (isOpen && line.startsWith('- '));
  }
  return rules;
}

/** Clients, each with its own page. */
export const asClients = (found: Schemas['ClientSummary'][]): Result[] =>
  found.map((one) => ({
    group: words.clients,
    icon: MonitorSmartphone,
    label: one.label,
    kind: one.policy?.name ?? undefined,
    href: link('/clients', { client: one.id }),
  }));

/** Parts of the settings, by their label and by what is in them, such as the second factor. */
export const inSettings = (wanted: string, may: (role: Role) => boolean): Result[] =>
  SECTIONS.filter(
    ({ label, about, role }) => may(role) && `${label}\n${about}`.toLowerCase().includes(wanted),
  ).map(({ id, label, about }) => ({
    group: words.settings,
    icon: Settings,
    label,
    kind: label.toLowerCase().includes(wanted) ? undefined : about,
    href: `/settings/${id}`,
  }));

/** What a name leads to: its queries, and the lists that have it. */
export function asName(wanted: string): Result[] {
  const inLog = {
    group: words.queries,
    icon: Logs,
    label: text.app.searchLog(wanted),
    href: link('/log', { contains: wanted.toLowerCase() }),
  };
  if (!NAME.test(wanted)) return [inLog];
  const name = wanted.toLowerCase().replace(/\.$/, '');
  const inLists = {
    group: words.queries,
    icon: ListChecks,
    label: text.app.searchLists(name),
    href: link('/lists', { search: name }),
  };
  return [inLog, inLists];
}
