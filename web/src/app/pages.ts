// The pages, in the order of the navigation. A page that is not in this list does not exist.
import BadgeCheck from '@lucide/svelte/icons/badge-check';
import BookText from '@lucide/svelte/icons/book-text';
import Gauge from '@lucide/svelte/icons/gauge';
import Gavel from '@lucide/svelte/icons/gavel';
import ListChecks from '@lucide/svelte/icons/list-checks';
import LockOpen from '@lucide/svelte/icons/lock-open';
import Logs from '@lucide/svelte/icons/logs';
import MonitorSmartphone from '@lucide/svelte/icons/monitor-smartphone';
import Rocket from '@lucide/svelte/icons/rocket';
import Server from '@lucide/svelte/icons/server';
import Settings from '@lucide/svelte/icons/settings';
import ShieldAlert from '@lucide/svelte/icons/shield-alert';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import Workflow from '@lucide/svelte/icons/workflow';

import { text } from '../strings';
import type { Page } from './page';
import { link } from './router.svelte';

export type { Page, PageProps } from './page';

export const pages: Page[] = [
  {
    path: '/',
    label: text.pages.overview,
    icon: Gauge,
    load: () => import('../overview/Overview.svelte'),
    hasRange: true,
    role: 'viewer',
    group: 'see',
  },
  {
    path: '/graph',
    label: text.pages.graph,
    icon: Workflow,
    load: () => import('../graph/Graph.svelte'),
    hasRange: true,
    role: 'viewer',
    group: 'see',
  },
  {
    path: '/log',
    label: text.pages.log,
    icon: Logs,
    load: () => import('../log/Log.svelte'),
    hasRange: true,
    role: 'viewer',
    group: 'see',
  },
  {
    path: '/clear',
    label: text.pages.clear,
    icon: LockOpen,
    load: () => import('../clear/Clear.svelte'),
    hasRange: true,
    role: 'viewer',
    group: 'see',
  },
  {
    path: '/findings',
    label: text.pages.findings,
    icon: ShieldAlert,
    load: () => import('../findings/Findings.svelte'),
    hasRange: true,
    role: 'viewer',
    group: 'see',
  },
  {
    path: '/proof',
    label: text.pages.proof,
    icon: BadgeCheck,
    load: () => import('../proof/Proof.svelte'),
    role: 'viewer',
    group: 'see',
  },
  {
    path: '/policies',
    below: 'name',
    label: text.pages.policies,
    icon: ShieldCheck,
    load: () => import('../policies/Policies.svelte'),
    role: 'viewer',
    group: 'decide',
  },
  {
    path: '/lists',
    below: 'name',
    label: text.pages.lists,
    icon: ListChecks,
    load: () => import('../lists/Lists.svelte'),
    role: 'viewer',
    group: 'decide',
  },
  {
    path: '/clients',
    below: 'own',
    label: text.pages.clients,
    icon: MonitorSmartphone,
    load: () => import('../clients/Clients.svelte'),
    hasRange: true,
    role: 'viewer',
    group: 'decide',
  },
  {
    path: '/records',
    below: 'name',
    label: text.pages.records,
    icon: BookText,
    load: () => import('../records/Records.svelte'),
    role: 'viewer',
    group: 'decide',
  },
  {
    path: '/upstreams',
    below: 'name',
    label: text.pages.upstreams,
    icon: Server,
    load: () => import('../records/Upstreams.svelte'),
    role: 'viewer',
    group: 'decide',
  },
  {
    path: '/settings',
    below: 'own',
    label: text.pages.settings,
    icon: Settings,
    load: () => import('../settings/Settings.svelte'),
    role: 'viewer',
    group: 'settings',
  },
  {
    path: '/decisions',
    label: text.pages.decisions,
    icon: Gavel,
    load: () => import('../decisions/Decisions.svelte'),
    role: 'viewer',
    group: 'none',
  },
  {
    path: '/start',
    label: text.pages.start,
    icon: Rocket,
    load: () => import('../start/Start.svelte'),
    role: 'operator',
    group: 'none',
  },
];

/** The page of a path, and the parts behind its own. */
export function findPage(path: string): { page: Page; rest: string[] } | undefined {
  const parts = split(path);
  const page = pages
    .filter((one) => split(one.path).every((part, at) => parts[at] === part))
    .filter((one) => one.path !== '/' || parts.length === 0)
    .sort((a, b) => b.path.length - a.path.length)[0];
  return page && { page, rest: parts.slice(split(page.path).length) };
}

/** Where a path with the name of a document leads: `/policies/shop` opens that policy. */
export function namedAddress(page: Page, rest: string[]): string | undefined {
  const [name] = rest;
  const isName = page.below === 'name' && rest.length === 1 && name !== undefined;
  return isName ? link(page.path, { name }) : undefined;
}

function split(path: string): string[] {
  return path
    .split('/')
    .filter(Boolean)
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}
