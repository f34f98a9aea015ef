// The parts of a document that have a form; everything else is written in the YAML beside it.
import { text } from '../strings';
import { field, type FormGroup } from './form-field';
import type { Kind } from './kinds';
import { valueAt } from './path';
import { POLICY } from './policy-fields';

const words = text.documents.fields;

const isProtocol = (wanted: string[]) => (value: unknown) =>
  wanted.includes(String(valueAt(value, ['spec', 'protocol'])));

/** Whether an upstream names the files of its client certificate in place of a secret. */
const hasFiles = (value: unknown) =>
  valueAt(value, ['spec', 'clientCertificate', 'certificate']) !== undefined;

const GROUPS: Record<Kind, FormGroup[]> = {
  Policy: POLICY,
  List: [
    {
      title: words.source,
      fields: [
        field('kind', 'choice', words.kind, { unset: 'block' }),
        field('urls', 'texts', words.urls),
        field('files', 'texts', words.files),
        field('entries', 'lines', words.entries),
      ],
    },
    {
      title: words.more,
      fields: [
        field('format', 'choice', words.format, { unset: 'auto' }),
        field('refresh', 'text', words.refresh),
        field('guard', 'flag', words.guard, { unset: 'true' }),
        field('policies', 'names', words.usedBy, { of: 'Policy', hint: words.usedByHint }),
      ],
    },
  ],
  Record: [
    {
      title: words.record,
      fields: [
        field('name', 'text', words.name),
        field('a', 'texts', words.a),
        field('aaaa', 'texts', words.aaaa),
        field('cname', 'text', words.cname),
        field('txt', 'texts', words.txt),
        field('ptr', 'text', words.ptr),
      ],
    },
    {
      title: words.more,
      fields: [
        field('ttl', 'text', words.ttl),
        field('policies', 'names', words.policies, { of: 'Policy', unset: text.records.all }),
      ],
    },
  ],
  Upstream: [
    {
      title: words.server,
      fields: [
        field('protocol', 'choice', words.protocol),
        field('addresses', 'texts', words.addresses),
        field('path', 'text', words.path, { isShown: isProtocol(['doh', 'doh_cleartext']) }),
        field('insecure', 'choice', words.insecure, {
          isShown: isProtocol(['tcp', 'doh_cleartext']),
        }),
        field('domains', 'texts', words.domains),
      ],
    },
    {
      title: words.proof,
      fields: [
        field('serverName', 'text', words.serverName, { isShown: isProtocol(['doh', 'dot']) }),
        field('serverId', 'text', words.serverId, { isShown: isProtocol(['doh', 'dot']) }),
        field('ca', 'text', words.ca, { isShown: isProtocol(['doh', 'dot']) }),
        field('pins', 'texts', words.pins, { isShown: isProtocol(['doh', 'dot']) }),
        field('clientCertificate.secret', 'text', words.secret, {
          isShown: (value) => isProtocol(['doh', 'dot'])(value) && !hasFiles(value),
        }),
        field('clientCertificate.certificate', 'text', words.certificate, { isShown: hasFiles }),
        field('clientCertificate.key', 'text', words.key, { isShown: hasFiles }),
      ],
    },
  ],
  Client: [
    {
      title: words.who,
      fields: [
        field('identities', 'texts', words.identities),
        field('tokens', 'texts', words.tokens),
        field('addresses', 'texts', words.networks),
        field('groups', 'texts', words.groups),
      ],
    },
  ],
  LogExclusion: [{ title: words.unlogged, fields: [field('names', 'texts', words.unloggedNames)] }],
  TrustDomain: [
    {
      title: words.proof,
      fields: [field('bundle', 'text', words.bundle), field('crls', 'texts', words.crls)],
    },
  ],
};

/** The form of a kind. */
export const formOf = (kind: Kind): FormGroup[] => GROUPS[kind];
