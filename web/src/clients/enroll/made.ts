// What the wizard makes, and the kinds of clients that it knows.
import type { Schemas } from '../../api/client';

/** `workload`, `other`, or the word of a profile. */
export type Kind = string;
export const WORKLOAD: Kind = 'workload';
export const OTHER: Kind = 'other';

/** An enrollment with its token. */
export interface MadeWorkload {
  kind: 'workload';
  name: string;
  /** The ID of the client in the API. */
  id: string;
  since: string;
  token: string;
  expires: string;
}

/** A token of a device, and the profile with it, if there is one for this kind. */
export interface MadeDevice {
  kind: 'device';
  name: string;
  id: string;
  since: string;
  secret: string;
  doh: string | null;
  dot: string | null;
  notes: string[];
  profile: Schemas['ProfileCreated'] | undefined;
}

export type Made = MadeWorkload | MadeDevice;

/** The last part of a path. */
export const fileName = (path: string): string => path.split('/').at(-1) ?? path;
