export const decisions = {
  about: 'Names that people allowed or blocked from the log, the command line or the API.',
  link: 'Decisions in force',
  action: 'Decision',
  actions: { allow: 'Allowed', block: 'Blocked' },
  name: 'Name',
  below: 'and below',
  forWhom: 'For',
  everybody: 'all clients',
  without: (policies: string) => `except under ${policies}: denied there by default`,
  ends: 'Ends',
  withoutEnd: 'when it is removed',
  who: 'Made by',
  remove: 'Remove',
  removeOf: (name: string) => `Remove the decision about ${name}`,
  none: 'No decision is in force',
  noneMore:
    'Open a query in the log to allow or block its name. Rules and lists are in the policies.',
};
