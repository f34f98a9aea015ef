// How an upstream does, as the engine says. Only one that has answered is called healthy.
import type { Schemas } from '../api/client';

type Report = Pick<Schemas['UpstreamReport'], 'is_healthy' | 'answered' | 'round_trip'>;

/** `untried`: it was not asked or has not answered yet: nobody knows whether certificate and pin are right. */
export function healthOf(report: Report): 'healthy' | 'untried' | 'away' {
  if (!report.is_healthy) return 'away';
  return report.answered > 0 || report.round_trip !== null ? 'healthy' : 'untried';
}

/** The tone of each. */
export const HEALTH_TONES = { healthy: 'answered', untried: 'plain', away: 'failed' } as const;
