//! authorize: may this client ask this?
//!
//! Gets the permit from the policy, or the rule that withholds the name. It comes before the cache,
//! so that a changed rule acts at once.

use std::ops::ControlFlow;

use keyhole_wire::{RecordType, Synthetic};

use super::identify::Identified;
use super::{Body, End};
use crate::Reason;
use crate::clock::When;
use crate::policy::{self, BlockAnswer, Cause, Permit, Trace, Withheld};
use crate::question::Question;
use crate::snapshot::Snapshot;

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
    let asked = (&question.hashed, question.kind());
    let records = snapshot.records(policy);
    match policy::permit(&snapshot.lists, policy, client_ref, asked, moment, records, trace) {
        Ok(permit) => ControlFlow::Continue(permit),
        Err(Withheld { cause, would_block, answer }) => {
            let mut end = blocked(reason(cause), cause, would_block, answer);
            // A name above a record exists (RFC 8020 section 2): NXDOMAIN would deny the record.
            if let Body::Synthetic(what @ Synthetic::Nxdomain, ..) = &mut end.body
                && records.is_empty_nonterminal(&question.hashed)
            {
                *what = Synthetic::NoData;
            }
            ControlFlow::Break(end.kept_for(policy.blocked_ttl))
        }
    }
}

/// The end of a query that policy withholds; [`End::kept_for`] says how long it may be kept.
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
        target: None,
        body: Body::Synthetic(answer.synthetic(), 0, None),
    }
}

fn reason(cause: Cause) -> Reason {
    match cause {
        Cause::Rule(_) => Reason::BlockedByRule,
        Cause::List(_) => Reason::BlockedByList,
        Cause::PrivateAddresses => Reason::PrivateAddress,
        // No policy decides about names by their number.
        Cause::Tunneling(_) | Cause::MissingDomains(_) => Reason::InternalError,
        // Neither mode, pause, record nor rewrite ever blocks.
        Cause::Default | Cause::Mode | Cause::Pause | Cause::Record | Cause::Rewrite(_) => {
            Reason::DeniedByDefault
        }
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
