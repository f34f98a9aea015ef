// Short words for clients, the same on all pages.

/** A SPIFFE ID without its scheme and trust domain: `shop/web`. */
export function shortClient(client: string): string {
  const workload = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(client);
  return workload ? `${workload[1]}/${workload[2]}` : client.replace(/^spiffe:\/\/[^/]+\//, '');
}

/** A subject of a policy: workloads and namespaces as `shop/web` and `shop/*`, others in full. */
export function shortSubject(subject: string): string {
  const namespace = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/\*$/.exec(subject);
  if (namespace) return `${namespace[1]}/*`;
  const isWorkload = /^spiffe:\/\/[^/]+\/ns\/[^/]+\/sa\/[^/*]+$/.test(subject);
  return isWorkload ? shortClient(subject) : subject.replace('spiffe://', '');
}
