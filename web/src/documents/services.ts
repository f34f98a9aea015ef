// The services that a policy may block by name: the table that Keyhole itself reads.
import table from '../../../python/keyhole/model/tables/services.tsv?raw';

const ROWS = table
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split('\t'));

/** Their names, in the order of the alphabet. */
export const SERVICES: readonly string[] = ROWS.map(([name = '']) => name).sort();

/** The names in DNS of a service, as a rule has them: each domain, and all below it. */
export function namesOf(service: string): string[] {
  const domains = ROWS.find(([name]) => name === service)?.[3] ?? '';
  return domains
    .split(' ')
    .filter(Boolean)
    .flatMap((domain) => [domain, `*.${domain}`]);
}
