export const start = {
  title: 'First steps',
  about: 'Choose, check, apply. Everything can be changed later, and every step can be left out.',
  moving: 'Coming from Pi-hole or AdGuard Home?',
  skip: 'Skip, to the overview',
  message: 'First steps',
  upstreams: {
    title: 'Upstreams',
    about:
      'The servers that Keyhole asks, encrypted only. Without a choice all that are there are asked.',
    done: (count: number) => (count === 1 ? '1 upstream answers' : `${count} upstreams answer`),
    test: 'Test',
    fresh: 'is added when it is chosen',
    answered: (time: string) => `answered in ${time}`,
    silent: (why: string) => `no answer: ${why}`,
  },
  lists: {
    title: 'What to block',
    about: 'Lists are downloaded and kept up to date.',
    there: 'is there',
    done: (count: number) => (count === 1 ? '1 list is in use' : `${count} lists are in use`),
    all: (count: number) => `Show all ${count} lists`,
    own: 'Names of your own',
    ownHint:
      'One a line, such as ads.example.com. Everything below a name is written *.example.com.',
  },
  networks: {
    title: 'For whom',
    about:
      'A policy says for which clients these choices count. A new one decides as the policy for all other clients does, includes its rules and lists, and adds what you chose.',
    field: 'Networks',
    hint: 'The first value is this machine. Another one: 192.168.1.0/24.',
    served:
      'Other machines are answered when keyhole.yaml lists their network in clients and an address of the network in listen.',
    enroll: 'Enroll one device with a certificate',
    there: 'Policies that are there:',
    done: 'a policy is there',
  },
  step: {
    check: 'Check this step',
    checkOf: (title: string) => `Check this step: ${title}`,
    right: 'Right. Nothing is changed yet.',
    answered: (count: number) =>
      count === 1 ? 'The upstream answers.' : `${count} upstreams answer.`,
    silent: (names: string) => `No answer from ${names}.`,
    stores: (documents: string) => `It would store ${documents}.`,
  },
  review: {
    title: 'Check all and apply',
    check: 'Check all',
    apply: 'Apply',
    checked: 'This would be stored. Nothing is changed yet.',
    applied: 'Stored and in force.',
    stored: 'Stored.',
    notYet: (why: string) => `Not in force yet: ${why}`,
    done: 'applied',
    difference: (name: string) => `What changes in ${name}`,
    unknown: 'What is there is not known yet, so nothing can be checked.',
    kinds: { Policy: 'Policy', List: 'List', Upstream: 'Upstream' } as Record<string, string>,
  },
  warnings: {
    equal: (network: string, _its: string, policy: string) =>
      `${network} is a network of the policy ${policy} already. One network cannot have two policies.`,
    inside: (network: string, its: string, policy: string) =>
      `${network} is inside of ${its}, a network of the policy ${policy}. These clients would leave that policy, and what it denies would no longer count for them.`,
    covers: (network: string, its: string, policy: string) =>
      `${network} covers ${its}, a network of the policy ${policy}. The clients in ${its} stay with that policy.`,
    none: 'No policy is for all other clients, so they are refused now. The new policy denies all names that no rule allows.',
    observe: (policy: string) =>
      `The policy ${policy} only observes, and so will the new one: it records and blocks nothing.`,
    records: (policy: string, names: string) =>
      `These records are only for clients of the policy ${policy}, and these networks would lose them: ${names}.`,
    noSubjects: (policy: string) =>
      `The policy ${policy} has no networks, so none are added: for whom it counts stays as it is.`,
    differs: (policy: string, base: string, keys: string) =>
      `For the networks that are added, these settings of the policy ${policy} take the place of those of ${base}: ${keys}.`,
    notIncluded: (policy: string, base: string) =>
      `The policy ${policy} does not include ${base}: for the networks that are added, its rules and lists would no longer count.`,
    allows: (list: string) => `The list ${list} that is there allows its names.`,
    ownAllows: (list: string) =>
      `The list ${list} that is there allows its names, so your own names are not added to it.`,
    format: (list: string, format: string) =>
      `The list ${list} has the format ${format}, in which a name alone may not count.`,
  },
  finish: {
    title: 'See that it works',
    name: 'A name that is blocked',
    nameHint: 'Try any name. The answer is for this machine.',
    results: 'What happens to these names',
    log: 'All queries are in the log',
    device: 'Ask it from a terminal of this machine:',
    deviceMore: 'Set the same address as the DNS server of a device, once it can reach it.',
    plain: 'DNS',
    dot: 'DNS over TLS',
  },
};
