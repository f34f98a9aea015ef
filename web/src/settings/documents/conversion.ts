// The settings of another product as documents, before anything is stored.
import { api, read, type Schemas } from '../../api/client';

export type Conversion = Schemas['ImportPreview'];
export type ConvertedItem = Schemas['ImportItem'];
export type Product = 'pihole' | 'adguard' | 'blocky' | 'technitium' | 'dnsmasq' | 'unbound';

/** As the API bounds it. */
export const MAX_OCTETS = 256 * 2 ** 20;

/** Uploads a file and says what would become of each setting in it. */
export const convert = (product: Product, file: File): Promise<Conversion> =>
  read(
    api.POST('/api/v1/imports/{product}', {
      params: { path: { product }, query: { file: file.name } },
      // The schema says text for what is sent as octets.
      body: file as unknown as string,
      bodySerializer: (body) => body as unknown as File,
      headers: { 'content-type': 'application/octet-stream' },
    }),
  );

/** How many settings have a fate, of all kinds. */
export const sumOf = (found: Conversion, fate: ConvertedItem['fate']): number =>
  found.counts.reduce((sum, one) => sum + one[fate], 0);

/** Settings with the same kind and reason, in the order in which they come. */
export interface Alike {
  kind: string;
  why: string;
  items: ConvertedItem[];
}

/** The settings of a fate; those that are alike are one row. */
export function alike(found: Conversion, fate: ConvertedItem['fate']): Alike[] {
  const rows = new Map<string, Alike>();
  for (const item of found.items.filter((one) => one.fate === fate)) {
    const key = JSON.stringify([item.kind, item.why]);
    const row = rows.get(key) ?? { kind: item.kind, why: item.why, items: [] };
    row.items.push(item);
    rows.set(key, row);
  }
  return [...rows.values()];
}
