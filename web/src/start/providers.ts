/** A provider of encrypted DNS. */
export interface Provider {
  name: string;
  title: string;
  addresses: string[];
  serverName: string;
}

/** Well-known ones, besides those that are there already. */
export const PROVIDERS: Provider[] = [
  {
    name: 'quad9',
    title: 'Quad9',
    addresses: ['9.9.9.9', '149.112.112.112', '2620:fe::fe'],
    serverName: 'dns.quad9.net',
  },
  {
    name: 'cloudflare',
    title: 'Cloudflare',
    addresses: ['1.1.1.1', '1.0.0.1', '2606:4700:4700::1111'],
    serverName: 'cloudflare-dns.com',
  },
  {
    name: 'mullvad',
    title: 'Mullvad',
    addresses: ['194.242.2.2', '2a07:e340::2'],
    serverName: 'dns.mullvad.net',
  },
];
