// The services that a policy may block by name: the table that Keyhole itself reads.
import table from '../../../python/keyhole/model/tables/services.tsv?raw';

/** Their names, in the order of the alphabet. */
export const SERVICES: readonly string[] = table
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split('\t')[0] ?? '')
  .sort();
