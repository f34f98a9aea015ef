// Settings as they stand in keyhole.yaml.
import { stringify } from 'yaml';

import type { Setting } from '../queries';

/** Those that begin with one of these keys. */
export const settingsOf = (all: Setting[], keys: string[]): Setting[] =>
  all.filter(({ name }) => keys.some((key) => name === key || name.startsWith(`${key}.`)));

const shown = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/** The single values, which the API gives as JSON; none for an empty list. */
export function valuesOf({ value }: Setting): string[] {
  if (value === null) return [];
  const found = JSON.parse(value) as unknown;
  if (Array.isArray(found)) return found.map(shown);
  if (typeof found !== 'object' || found === null) return [shown(found)];
  return Object.entries(found).map(([key, one]) => `${key}: ${shown(one)}`);
}

/** A value in one line of YAML. Texts are plain where YAML reads the same text then. */
const inYaml = (value: string): string =>
  stringify(JSON.parse(value), {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
    version: '1.1',
  }).trimEnd();

/** The lines of the file, each key below the one that it belongs to. */
export function yamlOf(settings: Setting[]): string {
  const lines: string[] = [];
  let open: string[] = [];
  for (const { name, value } of settings) {
    const keys = name.split('.');
    const above = keys.slice(0, -1);
    let same = 0;
    while (same < above.length && above[same] === open[same]) same += 1;
    above.slice(same).forEach((key, at) => lines.push(`${'  '.repeat(same + at)}${key}:`));
    open = above;
    const last = keys.at(-1) ?? '';
    const line = value === null ? `# ${last}:` : `${last}: ${inYaml(value)}`;
    lines.push(`${'  '.repeat(above.length)}${line}`);
  }
  return `${lines.join('\n')}\n`;
}
