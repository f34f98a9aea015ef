//! authorize: may this client ask this?
//!
//! Makes the permit, which nothing else can make, and names the rule. It comes before the cache,
//! so that a changed rule acts at once.

use std::ops::ControlFlow;

use keyhole_wire::RecordType;

use super::identify::Identified;
use super::{Body, End};
use crate::Reason;
use crate::clock::When;
use crate::policy::{self, BlockAnswer, Cause, Moment, Trace, Verdict};
use crate::question::Question;
use crate::snapshot::Snapshot;
use crate::subjects::ClientRef;

/// Seconds for which a client may keep a blocked answer: short, so that a changed rule is felt.
pub const BLOCKED_TTL: u32 = 10;

/// Leave to look a name up. `fetch` takes it by value; only [`authorize`] makes one.
pub struct Permit {
    client_ref: ClientRef,
    moment: Moment,
    cause: Cause,
    would_block: Option<Cause>,
}

impl Permit {
    /// The index of the policy that decided.
    #[inline]
    pub fn policy(&self) -> usize {
        self.client_ref.policy()
    }
    /// Whose it is.
    pub fn client_ref(&self) -> ClientRef {
        self.client_ref
    }
    /// When it was given: all of a query is decided at one moment.
    pub fn moment(&self) -> Moment {
        self.moment
    }
    /// The rule, list or default that allowed.
    pub fn cause(&self) -> Cause {
        self.cause
    }
    /// What an observed rule or list would have done.
    pub fn would_block(&self) -> Option<Cause> {
        self.would_block
    }
}

/// Asks the policy about the name, as of `when`.
#[inline]
pub fn authorize(
    snapshot: &Snapshot,
    client: &Identified<'_>,
    question: &Question,
    when: When,
    trace: &mut impl Trace,
) -> ControlFlow<End, Permit> {
    if !is_served(question.kind()) {
        return ControlFlow::Break(End::because(Reason::TypeNotServed));
    }
    let (policy, client_ref) = (client.policy, client.client_ref);
    let moment = policy.moment(|| when.unix());
    let (hashed, kind) = (&question.hashed, question.kind());
    let decision = policy::decide(&snapshot.lists, policy, hashed, kind, moment, trace);
    match decision.verdict {
        Verdict::Allow(cause) => ControlFlow::Continue(Permit {
            client_ref,
            moment,
            cause,
            would_block: decision.would_block,
        }),
        Verdict::Block(cause, answer) => {
            ControlFlow::Break(blocked(reason(cause), cause, decision.would_block, answer))
        }
    }
}

/// The end of a query that policy withholds.
pub(super) fn blocked(
    reason: Reason,
    cause: Cause,
    would_block: Option<Cause>,
    answer: BlockAnswer,
) -> End {
    End {
        reason,
        cause: Some(cause),
        would_block,
        body: Body::Synthetic(answer.synthetic(), BLOCKED_TTL),
    }
}

fn reason(cause: Cause) -> Reason {
    match cause {
        Cause::Rule(_) => Reason::BlockedByRule,
        Cause::List(_) => Reason::BlockedByList,
        Cause::PrivateAddresses => Reason::PrivateAddress,
        // Neither mode nor pause ever blocks.
        Cause::Default | Cause::Mode | Cause::Pause => Reason::DeniedByDefault,
    }
}

/// Whether a type names data that a resolver looks up. Zone transfers (RFC 5936, 1995), TKEY, TSIG
/// (RFC 8945), OPT and the obsolete mail types are not served to anybody.
fn is_served(kind: RecordType) -> bool {
    !matches!(
        kind,
        RecordType::AXFR
            | RecordType::IXFR
            | RecordType::TKEY
            | RecordType::TSIG
            | RecordType::OPT
            | RecordType::MAILA
            | RecordType::MAILB
            | RecordType(0)
    )
}
