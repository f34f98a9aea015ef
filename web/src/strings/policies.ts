export const policies = {
  about:
    'Who may ask for what. The most specific subject of a client decides which policy applies.',
  create: 'New policy',
  name: 'Policy',
  who: 'Who',
  default: 'Default',
  rules: 'Rules',
  lists: 'Lists',
  source: 'Source',
  everybody: 'all clients of no other policy',
  nobody: 'nobody: only included',
  observes: 'observe',
  shadowed: 'shadowed',
  scheduled: (rules: number) =>
    rules === 1 ? '1 rule acts at times only' : `${rules} rules act at times only`,
  none: 'No policies',
  noneMore: 'Without a policy, nobody is answered. Make one: its subjects say for whom it is.',
};
