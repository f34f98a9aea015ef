//! A query that ended, as the stages hand it over.

use std::time::{Duration, Instant};

use keyhole_wire::Name;

use crate::Reason;
use crate::arrival::Sender;
use crate::document::LogLevel;
use crate::policy::{Cause, GivenAnswer};
use crate::question::Question;
use crate::reason::Stage;
use crate::snapshot::Snapshot;
use crate::tls_version::TlsVersion;

/// Snapshot and policy that were in force when a query ended.
#[derive(Clone, Copy, Default)]
pub struct EventContext<'a> {
    /// The snapshot that was pinned.
    pub snapshot: Option<&'a Snapshot>,
    /// The index of the policy of its client, where it came to that.
    pub policy: Option<usize>,
}

/// A query that ended.
pub struct Event<'a> {
    /// Who sent the message, and over what.
    pub sender: Sender<'a>,
    /// When it ended; for one that did not wait, when it arrived.
    pub ended: Instant,
    /// The question; none where the message was none.
    pub question: Option<&'a Question>,
    /// Snapshot and policy.
    pub context: EventContext<'a>,
    /// Why it ended.
    pub reason: Reason,
    /// What decided, where a policy was asked.
    pub cause: Option<Cause>,
    /// What an observed rule or list would have done.
    pub would_block: Option<Cause>,
    /// What the client got, where policy withheld the answer.
    pub answer: Option<GivenAnswer>,
    /// The blocked name that the answer leads to.
    pub target: Option<&'a Name>,
    /// The index in the snapshot of the upstream that gave the answer.
    pub upstream: Option<u16>,
    /// The version of TLS over which that upstream was asked for it.
    pub upstream_tls: Option<TlsVersion>,
    /// How long it waited for an upstream, if it did.
    pub waited: Option<Duration>,
    /// Whether it is one of Keyhole's own, which no client sent.
    pub is_own: bool,
}

impl Event<'_> {
    /// How much of it may be written down.
    ///
    /// A client that is refused before it has a policy is logged in full: no policy restricts that.
    /// The sender of a message that was not parsed is unknown, so the strictest policy applies.
    /// Nothing is written down of a query for a name that no log may have.
    #[inline]
    pub(crate) fn level(&self) -> LogLevel {
        let asked = self.question.map(|question| &question.hashed);
        if self.context.snapshot.is_some_and(|snapshot| snapshot.is_unlogged(asked, self.target)) {
            return LogLevel::None;
        }
        match (self.context.snapshot, self.context.policy) {
            (Some(snapshot), Some(policy)) => {
                snapshot.policies.get(policy).map_or(LogLevel::None, |policy| policy.log)
            }
            (snapshot, _) => match (self.reason.stage(), snapshot) {
                (Stage::Admit | Stage::Identify, _) => LogLevel::Full,
                (_, Some(snapshot)) => snapshot.strictest_log(),
                (_, None) => LogLevel::Anonymous,
            },
        }
    }
}
