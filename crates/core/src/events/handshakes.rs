//! Refused TLS handshakes in the query log: one line for many of a kind.
//!
//! A client that is refused tries again, and a stranger costs nothing to refuse. So the first
//! refusal of a kind is written at once, and those that follow are summed up in one line a minute.
//! None is forgotten: the lines of a kind add up to all of its refusals.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use crate::Reason;
use crate::spiffe_id::SpiffeId;
use crate::transport::Transport;

/// How long refusals of a kind are gathered for one line.
const GATHERED: Duration = Duration::from_secs(60);

/// Kinds that are told apart; those that come on top are gathered without an address.
const MAX_KINDS: usize = 1024;

/// One refused handshake.
#[derive(Clone, Copy, Debug)]
pub struct RefusedHandshake<'a> {
    /// The listener's protocol.
    pub transport: Transport,
    /// Where it came from.
    pub client: IpAddr,
    /// Why, as the log has it.
    pub reason: Reason,
    /// Why, in detail: a word of the tables of refusals and failures.
    pub detail: &'static str,
    /// The identity in the certificate that was shown; nothing is proved.
    pub claimed: Option<&'a SpiffeId>,
}

/// What makes refusals alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    transport: Transport,
    /// None for all addresses for which there was no room.
    client: Option<IpAddr>,
    reason: Reason,
    detail: &'static str,
    claimed: Option<SpiffeId>,
}

/// Refusals of one kind that were not written yet.
struct Gathered {
    /// When the last one came.
    last: Instant,
    count: u64,
    /// When a line of this kind was written last.
    written: Option<Instant>,
}

/// A line that is due.
pub(super) struct Line {
    pub(super) transport: Transport,
    pub(super) client: Option<IpAddr>,
    pub(super) reason: Reason,
    pub(super) detail: &'static str,
    pub(super) claimed: Option<SpiffeId>,
    pub(super) last: Instant,
    pub(super) count: u64,
}

/// Refused handshakes that were not written yet.
#[derive(Default)]
pub(super) struct Handshakes(Mutex<HashMap<Kind, Gathered, RandomState>>);

impl Handshakes {
    pub(super) fn add(&self, refused: &RefusedHandshake<'_>, now: Instant) {
        let RefusedHandshake { transport, client, reason, detail, claimed } = *refused;
        let (client, claimed) = (Some(client.to_canonical()), claimed.cloned());
        let kind = Kind { transport, client, reason, detail, claimed };
        let mut kinds = self.0.lock();
        let kind = if kinds.len() < MAX_KINDS || kinds.contains_key(&kind) {
            kind
        } else {
            // As many kinds as there are reasons and transports: no flood makes it grow.
            Kind { client: None, claimed: None, ..kind }
        };
        let gathered = kinds.entry(kind).or_insert(Gathered { last: now, count: 0, written: None });
        gathered.last = now;
        gathered.count += 1;
    }

    /// The lines that are due, and all with `all`; forgets kinds that have not come again.
    pub(super) fn due(&self, now: Instant, all: bool) -> Vec<Line> {
        let mut lines = Vec::new();
        self.0.lock().retain(|kind, gathered| {
            let is_over =
                gathered.written.is_none_or(|at| now.saturating_duration_since(at) >= GATHERED);
            if !is_over && !all {
                return true;
            }
            if gathered.count == 0 {
                return false;
            }
            let Kind { transport, client, reason, detail, ref claimed } = *kind;
            let (last, count, claimed) = (gathered.last, gathered.count, claimed.clone());
            lines.push(Line { transport, client, reason, detail, claimed, last, count });
            (gathered.count, gathered.written) = (0, Some(now));
            true
        });
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(client: &str) -> RefusedHandshake<'static> {
        RefusedHandshake {
            transport: Transport::Dot,
            client: client.parse().unwrap(),
            reason: Reason::CertificateUntrusted,
            detail: "unknown_issuer",
            claimed: None,
        }
    }

    #[test]
    fn the_first_of_a_kind_is_due_at_once_and_the_others_in_one_line_a_minute() {
        let (handshakes, began) = (Handshakes::default(), Instant::now());
        let counts = |seconds| -> Vec<u64> {
            let now = began + Duration::from_secs(seconds);
            handshakes.due(now, false).iter().map(|line| line.count).collect()
        };
        handshakes.add(&refused("192.0.2.1"), began);
        assert_eq!(counts(0), [1]);
        for _ in 0..500 {
            handshakes.add(&refused("192.0.2.1"), began);
        }
        handshakes.add(&refused("192.0.2.2"), began);
        assert_eq!(counts(1), [1], "the other address");
        assert_eq!(counts(60), [500]);
        assert!(counts(120).is_empty());
        // Forgotten, so that the next one is the first again.
        handshakes.add(&refused("::ffff:192.0.2.1"), began);
        assert_eq!(counts(121), [1]);
    }

    #[test]
    fn a_flood_of_addresses_adds_up_in_bounded_memory() {
        let (handshakes, now) = (Handshakes::default(), Instant::now());
        let count = 3 * MAX_KINDS;
        for index in 0..count {
            handshakes.add(&refused(&format!("10.1.{}.{}", index / 256, index % 256)), now);
        }
        let lines = handshakes.due(now, true);
        assert_eq!(lines.len(), MAX_KINDS + 1);
        assert_eq!(lines.iter().map(|line| line.count).sum::<u64>(), count as u64);
        let others: Vec<_> = lines.iter().filter(|line| line.client.is_none()).collect();
        assert_eq!(others.len(), 1);
    }
}
