export const people = {
  title: 'People',
  add: 'Add a person',
  addTitle: 'Add a person',
  addAbout:
    'Keyhole makes a one-time password. The person chooses an own one at the first sign-in.',
  name: 'Name',
  nameHint: 'Lower-case letters, digits, dots, -, _ and @.',
  role: 'Role',
  factor: 'Second factor',
  created: 'Added',
  lastLogin: 'Last sign-in',
  never: 'never',
  on: 'on',
  off: 'off',
  you: 'you',
  disabled: 'disabled',
  oneTime: 'one-time password',
  actions: 'Actions',
  actionsOf: (name: string) => `Actions for ${name}`,
  changeRole: 'Change the role',
  roleTitle: (name: string) => `Change the role of ${name}`,
  roleAbout: 'It counts from the next request on, also in open sessions.',
  roleSubmit: 'Change the role',
  reset: 'Reset the password',
  resetBoth: 'Reset password and second factor',
  resetTitle: (name: string) => `Reset the password of ${name}`,
  resetBothTitle: (name: string) => `Reset password and second factor of ${name}`,
  resetAbout: 'All sessions end. You get a one-time password to hand over.',
  resetBothAbout:
    'For a person who has lost the device and the recovery codes. All sessions end. You get a one-time password to hand over.',
  resetSubmit: 'Reset',
  disable: 'Disable',
  disableTitle: (name: string) => `Disable ${name}`,
  disableAbout: 'All sessions end, and tokens of this person are refused, until it is enabled.',
  enable: 'Enable',
  enableTitle: (name: string) => `Enable ${name}`,
  enableAbout: 'The person can sign in again, and the tokens of this person work again.',
  remove: 'Remove',
  removeTitle: (name: string) => `Remove ${name}`,
  removeAbout:
    'All sessions end, and the tokens that this person created are revoked. This cannot be undone.',
  onceTitle: (name: string) => `One-time password of ${name}`,
  onceAbout: 'Hand it over now: it cannot be shown again. It works once, within 24 hours.',
  oncePassword: 'the one-time password',
};

export const provider = {
  title: 'Identity provider (OpenID Connect)',
  offered: (issuer: string) => `People can sign in with ${issuer || 'it'}.`,
  notOffered: 'None is configured.',
  about:
    'It is set in the file keyhole.yaml and needs a restart. The groups of a person at the provider decide the role; people in none of these groups are refused.',
  example: 'Example for keyhole.yaml',
  yaml: `api:
  oidc:
    issuer: https://login.example.org
    client_id: keyhole
    client_secret_file: oidc.secret
    scopes: [profile, groups]
    roles: {dns-admins: administrator, staff: viewer}`,
  callback: 'Register this address at the provider:',
};

export const tokens = {
  title: 'Tokens',
  add: 'Create a token',
  addTitle: 'Create a token',
  addAbout: 'For a program. It never has more rights than you, and ends with your account.',
  addAboutProvider:
    'For a program. You sign in through an identity provider and have no account here, so it ends on its date, or when it is revoked.',
  name: 'Name',
  nameHint: 'What the program is called, such as backup.',
  role: 'Role',
  networks: 'Networks',
  networksHint: 'From where it may be used, such as 192.0.2.0/24. Empty: from wherever you may.',
  everywhere: 'all',
  by: 'Created by',
  days: 'Days until it ends',
  daysHint: 'At most 3650. Empty: it never ends.',
  daysHintProvider: 'At most 3650.',
  ends: 'Ends',
  never: 'never',
  used: 'Last use',
  unused: 'never',
  actions: 'Actions',
  createdAt: (when: string) => `Created ${when}`,
  revoke: 'Revoke',
  revokeOf: (name: string) => `Revoke the token ${name}`,
  revokeTitle: (name: string) => `Revoke ${name}`,
  revokeAbout: 'Programs that use it are refused at once. This cannot be undone.',
  none: 'No API tokens yet',
  noneMore: 'An API token lets a program use the API: a backup, a dashboard, a pipeline.',
  onceTitle: (name: string) => `Token ${name}`,
  onceAbout: 'Copy it now: it cannot be shown again. Programs send it as Authorization: Bearer.',
  onceSecret: 'the token',
};
