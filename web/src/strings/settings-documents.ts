const documentsWord = (count: number) => (count === 1 ? '1 document' : `${count} documents`);

export const documents = {
  export: 'Export',
  exportAbout:
    'All documents in force as one YAML file: policies, lists, upstreams, records, clients and trust domains. It holds no people, tokens, keys or queries, and no files that documents name, such as lists and bundles.',
  exportSubmit: 'Export all documents',
  import: 'Import',
  importAbout:
    'Documents of the file are made or changed, and all others stay. They are applied together or not at all.',
  file: 'File',
  text: 'Or paste YAML',
  tooLarge: 'The file is larger than 8 MiB. Import it in parts.',
  check: 'Show what would change',
  checkMore: 'Nothing changes yet.',
  refused: 'Errors',
  wrong: (count: number) =>
    count === 1 ? '1 error; nothing was changed' : `${count} errors; nothing was changed`,
  preview: 'What would change',
  summary: (created: number, changed: number, unchanged: number) =>
    `${created} new, ${changed} changed, ${unchanged} unchanged`,
  effects: { created: 'new', changed: 'changed', deleted: 'deleted', unchanged: 'unchanged' },
  leftOut: (count: number) =>
    `${documentsWord(count)} left out, because a file of this Keyhole declares the same; change that file instead:`,
  apply: (count: number) => `Apply ${documentsWord(count)}`,
  done: 'Applied and in force.',
  late: (why: string) => `Applied, and not in force yet: ${why}`,
  from: (product: string) => `Imported from ${product}`,
  inAudit: 'See it in the audit trail',
};
