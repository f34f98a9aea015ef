// Whether nobody has set up anything yet.
import { api, read } from '../api/client';
import { session } from '../api/session.svelte';

/** Whether the only policy is the one of a first start, and the person may change that. */
export async function isFresh(): Promise<boolean> {
  if (!session.may('operator')) return false;
  try {
    const [documents, lists] = await Promise.all([
      read(api.GET('/api/v1/documents', { params: { query: { limit: 1_000 } } })),
      read(api.GET('/api/v1/lists')),
    ]);
    if (documents.next || lists.items.length > 0) return false;
    // What reads YAML is large, and only needed here.
    const { isUntouched } = await import('../documents/policy-spec');
    return isUntouched(documents.items);
  } catch {
    return false;
  }
}
