// What a person should look at, the worst first, from what the API says of itself.
import type { Schemas } from '../api/client';
import { link } from '../app/router.svelte';
import { count } from '../parts/format';
import { text } from '../strings';

/** One thing to look at. */
export interface Notice {
  /** `failed`: something does not work. `clear`: something is not protected. `plain`: to know. */
  tone: 'failed' | 'clear' | 'plain';
  title: string;
  more: string;
  href?: string;
}

/** What is known; undefined while it loads. */
export interface Known {
  status?: Schemas['Status'] | undefined;
  lists?: Schemas['ListSummary'][] | undefined;
  engines?: Schemas['Engine'][] | undefined;
  totals?: Schemas['Totals'] | undefined;
  traffic?: Schemas['Traffic'] | undefined;
  /** Parameters of the time range, for links. */
  range: Record<string, string | undefined>;
}

const words = text.overview.attention;
const { reasons } = text.findings.handshakes;

/** All notices. */
export function notices(known: Known): Notice[] {
  return [...ofStatus(known), ...ofLists(known), ...ofEngines(known), ...ofQueries(known)];
}

function ofStatus({ status }: Known): Notice[] {
  if (!status) return [];
  const parts = status.parts.map((one): Notice => ({
    tone: one.state === 'mended' ? 'plain' : 'failed',
    title:
      one.name === 'proof'
        ? words.proof
        : words.part(one.name, words.states[one.state] ?? one.state),
    more: one.why,
    ...(one.name === 'proof' ? { href: '/proof' } : {}),
  }));
  const upstreams = status.upstreams
    .filter((one) => !one.is_healthy)
    .map((one): Notice => ({
      tone: 'failed',
      title: words.upstream(one.name),
      more: one.last_error ?? '',
      href: link('/upstreams', { name: one.name }),
    }));
  const dnstap = status.dnstap
    .filter((one) => !one.is_working)
    .map((one): Notice => ({ tone: 'failed', title: words.dnstap(one.target), more: '' }));
  const events = status.events
    .filter((one) => !one.is_working)
    .map((one): Notice => ({
      tone: 'failed',
      title: words.events(one.target),
      more: one.why ?? '',
    }));
  return [...parts, ...upstreams, ...dnstap, ...events];
}

function ofLists({ status, lists }: Known): Notice[] {
  const wrong = (lists ?? []).flatMap((one): Notice[] => {
    const found = wrongWith(one);
    return found ? [{ tone: 'failed', ...found, href: link('/lists', { name: one.name }) }] : [];
  });
  const lost = (status?.lists ?? []).map((one): Notice => ({
    tone: 'plain',
    title: words.list(one.name),
    more: one.why,
    href: link('/lists', { name: one.name }),
  }));
  return [...wrong, ...lost];
}

/** What `keyhole status` calls wrong too. A list that no policy uses and one on its way are not. */
function wrongWith(list: Schemas['ListSummary']): { title: string; more: string } | undefined {
  const { name, state, policies } = list;
  // Its state is another one for a moment while the download is tried again.
  const failed = list.sources.find((one) => one.failing_since !== null);
  const isHeld = state === 'held back';
  if (policies.length === 0 && !isHeld) return undefined;
  if (!list.taken && (isHeld || failed || state === 'in force')) {
    return { title: words.empty(name), more: list.why || failed?.error || words.emptyMore };
  }
  if (isHeld) return { title: words.held(name), more: list.why };
  return failed && { title: words.notLoaded(name), more: failed.error ?? '' };
}

function ofEngines({ status, engines }: Known): Notice[] {
  const behind = (engines ?? [])
    .filter((one) => one.state !== 'in force')
    .map((one): Notice => ({
      tone: 'failed',
      title: words.engine(one.name, one.state),
      more: one.why,
    }));
  const undelivered = (status?.undelivered ?? []).map((one): Notice => ({
    tone: 'failed',
    title: words.undelivered(one.engine),
    more: one.why,
  }));
  return [...undelivered, ...behind];
}

function ofQueries({ status, totals, traffic, range }: Known): Notice[] {
  const found: Notice[] = [];
  if (traffic && traffic.unprotected > 0) {
    found.push({
      tone: 'clear',
      title: words.open(count(traffic.unprotected)),
      more: words.openMore,
      href: link('/clear', range),
    });
  }
  if (totals && totals.lost > 0) {
    found.push({ tone: 'failed', title: words.lost(count(totals.lost)), more: words.lostMore });
  }
  if (status?.open_findings === null) {
    found.push({ tone: 'plain', title: words.noFindings, more: words.noFindingsMore });
  } else if (status && status.open_findings > 0) {
    found.push({
      tone: 'failed',
      title: words.findings(count(status.open_findings)),
      more: words.findingsMore,
      href: '/findings',
    });
  }
  const handshakes = [...(status?.handshakes ?? [])].sort((a, b) => b.count - a.count);
  const refused = handshakes.reduce((all, one) => all + one.count, 0);
  if (refused > 0) {
    found.push({
      tone: 'plain',
      title: words.handshakes(count(refused)),
      more: handshakes
        .slice(0, 3)
        .map((one) => `${reasons[one.reason] ?? one.reason} (${count(one.count)})`)
        .join(', '),
      href: '/findings',
    });
  }
  return found;
}
