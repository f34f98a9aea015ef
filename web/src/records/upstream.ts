// Upstreams: what their documents say, and what the engine says of them.
import { api, read, type Schemas } from '../api/client';
import type { StoredDocument } from '../documents/kinds';
import { valueAt } from '../documents/path';
import { readYaml, textAt, textsAt } from '../documents/yaml-text';

export type UpstreamReport = Schemas['UpstreamReport'];
export type UpstreamTest = Schemas['UpstreamTest'];

/** One upstream in the list. */
export interface UpstreamSummary {
  document: StoredDocument;
  protocol: string;
  addresses: string[];
  /** The domains for which alone it is asked; empty for all other names. */
  domains: string[];
  /** What the engine says; undefined while it is not in use. */
  report: UpstreamReport | undefined;
  /** Its share of the queries of all upstreams, from 0 to 1. */
  share: number | undefined;
}

/** Whether TLS protects what goes there: not over tcp, and not over doh_cleartext. */
export const isEncrypted = (protocol: string): boolean => ['doh', 'dot'].includes(protocol);

/** Joins documents with what the engine says. */
export function upstreamsOf(
  documents: readonly StoredDocument[],
  reports: readonly UpstreamReport[],
): UpstreamSummary[] {
  const asked = reports.reduce((sum, one) => sum + one.asked, 0);
  return documents.map((document) => {
    const { value } = readYaml(document.text);
    const report = document.is_shadowed
      ? undefined
      : reports.find(({ name }) => name === document.name);
    return {
      document,
      protocol: textAt(value, ['spec', 'protocol']) ?? '',
      addresses: textsAt(value, ['spec', 'addresses']),
      domains: textsAt(value, ['spec', 'domains']),
      report,
      share: report && asked ? report.asked / asked : undefined,
    };
  });
}

/** Where policies name an upstream: its place in the order of each, from 1. */
export function placesOf(
  policies: readonly StoredDocument[],
  upstream: string,
): { policy: string; place: number; of: number }[] {
  return policies.flatMap(({ name, text, is_shadowed }) => {
    if (is_shadowed) return [];
    const { value } = readYaml(text);
    const use = valueAt(value, ['spec', 'upstreams']);
    const names = textsAt(value, ['spec', 'upstreams', ...(Array.isArray(use) ? [] : ['names'])]);
    const at = names.indexOf(upstream);
    return at < 0 ? [] : [{ policy: name, place: at + 1, of: names.length }];
  });
}

/** Asks an upstream for the root name servers, or for those of its first domain. */
export const test = (name: string): Promise<UpstreamTest> =>
  read(api.POST('/api/v1/upstreams/{name}/test', { params: { path: { name } } }));
