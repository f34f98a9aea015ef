// Secrets that are shown until they are put away.

/** The secrets with another one. An earlier one of the same name does not work any more. */
export const withSecret = <One extends { name: string }>(kept: One[], given: One): One[] => [
  given,
  ...withoutSecret(kept, given.name),
];

/** The secrets without that of this name. */
export const withoutSecret = <One extends { name: string }>(kept: One[], name: string): One[] =>
  kept.filter((one) => one.name !== name);
