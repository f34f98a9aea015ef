// What to send with a report. No names of clients, no queries and no addresses of people.
import type { Schemas } from '../../api/client';

/** The state of this Keyhole as plain text. */
export function diagnosticText(status: Schemas['Status'], engines: Schemas['Engine'][]): string {
  const lines = [
    `keyhole: ${status.version}`,
    `role: ${status.role}`,
    `uptime: ${status.uptime ?? 'no engine answers'}`,
    ...Object.entries(status.listeners)
      .filter(([, on]) => on.length > 0)
      .map(([name, on]) => `listens: ${name} ${on.join(' ')}`),
    ...engines.map(
      ({ name, state, number, wanted, version, why }) =>
        `engine: ${name}, ${state}, snapshot ${number} of ${wanted}, ${version}${why && `, ${why}`}`,
    ),
    ...status.parts.map(({ name, state, why }) => `attention: ${name}, ${state}, ${why}`),
    ...status.upstreams.map(
      ({ name, protocol, is_healthy }) =>
        `upstream: ${name}, ${protocol}, ${is_healthy ? 'healthy' : 'away'}`,
    ),
    `browser: ${navigator.userAgent}`,
  ];
  return `${lines.join('\n')}\n`;
}
