// Makes the credential of a new client.
import { api, read } from '../../api/client';
import { OTHER, type Kind, type MadeDevice, type MadeWorkload } from './made';

interface Life {
  life: number;
  validFor: number;
  isReplacing: boolean;
}

/** A join token for an identity. */
export async function makeWorkload(name: string, given: Life): Promise<MadeWorkload> {
  const body = { name, life: given.life, valid_for: given.validFor, replace: given.isReplacing };
  const made = await read(api.POST('/api/v1/enrollments', { body }));
  const { enrollment } = made;
  return {
    kind: 'workload',
    name,
    id: enrollment.spiffe,
    since: enrollment.created,
    token: made.token,
    expires: enrollment.expires,
  };
}

/** A token, and a profile with it where there is one for this kind. */
export async function makeDevice(
  kind: Kind,
  name: string,
  isReplacing: boolean,
): Promise<MadeDevice> {
  const since = new Date().toISOString();
  const body = { name, replace: isReplacing };
  const made = await read(api.POST('/api/v1/client-tokens', { body }));
  const wanted = { kind, token: made.secret };
  const profile =
    kind === OTHER ? undefined : await read(api.POST('/api/v1/profiles', { body: wanted }));
  return {
    kind: 'device',
    name,
    id: `token:${name}`,
    since,
    secret: made.secret,
    doh: made.doh,
    dot: made.dot,
    notes: [...made.notes, ...(profile?.notes ?? [])],
    profile,
  };
}
