// From edges to lines.
import { grouped } from './group';
import { mergedLock } from './merge';
import type { GraphEdge, Link } from './types';

/** Lines of a picture. More are a web that nobody can read; all edges are in the table. */
export const MAX_LINKS = 300;

/** One line for each pair of nodes, and for names one of their own. The busiest come first. */
export function linksOf(edges: readonly GraphEdge[], quiet: ReadonlySet<string>): Link[] {
  const pairs = grouped(edges, (one) => `${one.source}>${one.target}>${one.kind === 'names'}`);
  return [...pairs.values()].map((pair) => {
    const main = pair.find((one) => one.kind === 'forwards') ?? (pair[0] as GraphEdge);
    const seen = pair.find((one) => one !== main);
    const fresh = pair.filter((one) => !quiet.has(one.id));
    return {
      id: main.id,
      source: main.source,
      target: main.target,
      main,
      seen,
      // What is quiet says how it was; what is not speaks for itself.
      lock: mergedLock((fresh.length > 0 ? fresh : pair).map((one) => one.lock)),
      isQuiet: quiet.has(main.id),
    };
  });
}

/** The lines that are drawn: those with an open lock first, then the busiest. */
export function drawn(links: readonly Link[], most = MAX_LINKS): { links: Link[]; left: number } {
  if (links.length <= most) return { links: [...links], left: 0 };
  const ranked = [...links].sort(
    (a, b) =>
      Number(b.lock.state === 'open') - Number(a.lock.state === 'open') ||
      b.main.traffic.queries - a.main.traffic.queries,
  );
  return { links: ranked.slice(0, most), left: links.length - most };
}

/**
 * An engine that is asked by another one sees names a second time. The first look is enough for the
 * picture.
 */
export function withoutSecondLook(links: readonly Link[]): Link[] {
  const behind = new Set(
    links.filter((one) => one.main.kind === 'forwards').map((one) => one.target),
  );
  const seen = new Set(
    links.filter((one) => isNames(one) && !behind.has(one.source)).map((one) => one.target),
  );
  return links.filter((one) => !isNames(one) || !behind.has(one.source) || !seen.has(one.target));
}

/** Whether a line says for which names an engine was asked, and not whom it asked. */
export const isNames = (link: Pick<Link, 'main'>): boolean => link.main.kind === 'names';

/** The engine of this machine: the API tells the health and the certificates of its upstreams. */
const OWN_ENGINE = 'engine:local';

/** The names of the upstreams that it asks along these lines. */
export function askedUpstreams(links: readonly Link[]): string[] {
  const own = links.filter(({ source }) => source === OWN_ENGINE);
  return [...new Set(own.flatMap(({ main }) => Object.keys(main.upstreams)))].sort();
}
