// The form of a policy.
import { text } from '../strings';
import { field, type FormGroup } from './form-field';
import { valueAt } from './path';
import { schemaOf } from './schemas';
import { SERVICES } from './services';

const words = text.documents.fields;

/** Whether a client that used up a budget may be put in quarantine, or is already to be. */
const isEnforced = (value: unknown) => {
  const found = valueAt(value, ['spec', 'tunneling']);
  const quarantine = valueAt(found, ['quarantine']);
  return [found, valueAt(found, ['mode'])].includes('enforce') || quarantine !== undefined;
};

export const POLICY: FormGroup[] = [
  {
    title: words.who,
    fields: [
      field('subjects', 'subjects', words.subjects, { hint: words.subjectsHint }),
      field('include', 'names', words.include, { of: 'Policy', isOrdered: true }),
    ],
  },
  {
    title: words.what,
    fields: [
      field('default', 'choice', words.default, { unset: 'deny' }),
      field('mode', 'choice', words.mode, { unset: 'enforce' }),
      field('lists.names', 'names', words.lists, {
        of: 'List',
        isShort: true,
        hint: words.listsHint,
      }),
      field('services', 'names', words.services, {
        choices: SERVICES,
        hint: words.servicesHint,
      }),
      field('rules', 'rules', words.rules),
    ],
  },
  {
    title: words.restricted,
    fields: [
      field('safeSearch', 'names', words.safeSearch, {
        choices: schemaOf('Policy').values(['spec', 'safeSearch']),
        hint: words.safeSearchHint,
      }),
      field('youtube', 'choice', words.youtube, { unset: 'off', hint: words.youtubeHint }),
    ],
  },
  {
    title: words.asked,
    fields: [
      field('upstreams.names', 'names', words.upstreams, {
        of: 'Upstream',
        isOrdered: true,
        isShort: true,
        hint: words.upstreamsHint,
        unset: text.upstreams.all,
      }),
      field('upstreams.validate.mode', 'choice', words.validate, {
        isShort: true,
        unset: 'off',
        hint: words.validateHint,
      }),
    ],
  },
  {
    title: words.tunneling,
    fields: [
      field('tunneling.mode', 'choice', words.tunnelingMode, {
        isShort: true,
        unset: 'observe',
        hint: words.tunnelingHint,
      }),
      field('tunneling.quarantine', 'text', words.quarantine, {
        isShown: isEnforced,
        hint: words.quarantineHint,
        unset: words.never,
      }),
    ],
  },
  {
    title: words.more,
    fields: [field('log', 'choice', words.log, { unset: 'full' })],
  },
];
