// The import of the settings of other products.
export const imports = {
  title: 'From Pi-hole, AdGuard Home, blocky, Technitium, dnsmasq or Unbound',
  about:
    'Upload the file in which the other product keeps its settings. Each setting is taken, changed in meaning, or left with the reason. The other product stays as it is.',
  product: 'Product',
  products: [
    {
      id: 'pihole' as const,
      label: 'Pi-hole',
      hint: 'The teleporter archive (Settings, Teleporter, Export), or gravity.db.',
      example: 'teleporter.zip',
    },
    {
      id: 'adguard' as const,
      label: 'AdGuard Home',
      hint: 'AdGuardHome.yaml, in the folder of AdGuard Home.',
      example: 'AdGuardHome.yaml',
    },
    { id: 'blocky' as const, label: 'blocky', hint: 'Its config.yml.', example: 'config.yml' },
    {
      id: 'technitium' as const,
      label: 'Technitium',
      hint: 'The backup (Settings, Backup Settings), a zip.',
      example: 'backup.zip',
    },
    {
      id: 'dnsmasq' as const,
      label: 'dnsmasq',
      hint: 'dnsmasq.conf; the command also reads the folder with dnsmasq.d.',
      example: 'dnsmasq.conf',
    },
    {
      id: 'unbound' as const,
      label: 'Unbound',
      hint: 'unbound.conf; the command also reads the folder with unbound.conf.d.',
      example: 'unbound.conf',
    },
  ],
  file: 'Its file',
  tooLarge: 'The file is larger than 256 MiB; no export of these products is.',
  look: 'Show what becomes of it',
  take: 'Go on with these documents',
  byCommand: 'Or by a command, on the machine that has the file',
  sum: (product: string) => `What becomes of the settings of ${product}`,
  fates: { taken: 'taken', changed: 'changed', left: 'left' },
  meaning: {
    taken: 'Keyhole does the same.',
    changed: 'Keyhole does something similar.',
    left: 'Not imported, for the reason given.',
  },
  settings: (count: string, isOne: boolean) => (isOne ? '1 setting' : `${count} settings`),
  kinds: {
    upstream: 'Upstream',
    forwarding: 'Forwarding',
    group: 'Group',
    client: 'Client',
    list: 'List',
    rule: 'Rule',
    schedule: 'Schedule',
    record: 'Record',
    setting: 'Setting',
  } as Record<string, string>,
  andMore: (count: string) => `and ${count} more`,
  cut: (count: string) => `${count} more settings are not shown; keyhole import --json shows all.`,
  lacksUpstream:
    'None of its upstreams is encrypted, so none is taken. The upstreams of this Keyhole answer.',
  beside: (policy: string) =>
    `The policy ${policy} serves all clients that no other policy names. It stays: the imported policy is for the networks that this Keyhole serves.`,
};
