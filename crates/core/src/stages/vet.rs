//! vet: is the answer acceptable?
//!
//! Runs on cache hits too: the cache holds what upstream said, never what was decided, so one
//! client's verdict cannot leak to another and a changed rule acts on what is already cached.

use keyhole_names::HashedName;
use keyhole_wire::{Record, RecordType};

use super::End;
use super::authorize::blocked;
use super::fetch::Fetched;
use crate::Reason;
use crate::document::Mode;
use crate::list_table::ListTable;
use crate::policy::{self, BlockAnswer, Cause, InStage, Moment, Policy, Trace, Verdict};
use crate::question::Question;
use crate::reason::Stage;
use crate::snapshot::Snapshot;
use crate::special_addresses::is_private;

/// Looks at every name and address that the answer leads to.
#[inline]
pub fn vet(
    snapshot: &Snapshot,
    question: &Question,
    fetched: Fetched,
    trace: &mut impl Trace,
) -> End {
    let policy = &snapshot.policies[fetched.permit.policy()];
    let fetched = fetched.above_records(snapshot.records(policy), question);
    let mut vetting = Vetting {
        lists: &snapshot.lists,
        policy,
        question,
        moment: fetched.permit.moment(),
        // What a person declared as a local record may lead into the network.
        // The name that was asked for counts, and none behind an alias: else everybody could lead
        // an alias to an exempted name.
        private_allowed: policy.allows_private(&question.hashed)
            || matches!(fetched.reason, Reason::LocalRecord | Reason::SpecialUse),
        cause: fetched.permit.cause(),
        would_block: fetched.permit.would_block(),
    };
    let withheld = fetched.body.answer().and_then(|answer| {
        answer.records().find_map(|record| match record.kind {
            RecordType::A | RecordType::AAAA => vetting.addresses(&record),
            RecordType::CNAME | RecordType::DNAME => vetting.target(&record, trace),
            RecordType::HTTPS | RecordType::SVCB => {
                vetting.target(&record, trace).or_else(|| vetting.addresses(&record))
            }
            _ => None,
        })
    });
    let Vetting { cause, would_block, .. } = vetting;
    match withheld {
        Some(end) => End { would_block, ..end }.kept_for(policy.blocked_ttl),
        None => End { reason: fetched.reason, cause: Some(cause), would_block, body: fetched.body },
    }
}

struct Vetting<'a> {
    lists: &'a ListTable,
    policy: &'a Policy,
    question: &'a Question,
    moment: Moment,
    private_allowed: bool,
    /// What allowed the name, or the pause that lets a target through.
    cause: Cause,
    /// Observe-only matches of targets count like those of the name itself; the first one is kept.
    would_block: Option<Cause>,
}

impl Vetting<'_> {
    /// A name behind an alias is decided about like a name asked for (CNAME cloaking), and so is
    /// the target of an HTTPS or SVCB record, which a client connects to without asking again.
    fn target(&mut self, record: &Record<'_>, trace: &mut impl Trace) -> Option<End> {
        let Self { lists, policy, question, moment, .. } = *self;
        let target = record.target()?;
        if target.is_root() || target == *question.hashed.name() {
            return None;
        }
        let (hashed, kind) = (HashedName::new(&target), question.kind());
        let mut trace = InStage { stage: Stage::Vet, trace };
        let decision = policy::decide_target(lists, policy, &hashed, kind, moment, &mut trace);
        self.would_block = self.would_block.or(decision.would_block);
        match decision.verdict {
            Verdict::Block(cause, answer) => {
                Some(blocked(Reason::BlockedTarget, cause, None, answer))
            }
            Verdict::Allow(cause) => {
                if cause == Cause::Pause {
                    self.cause = cause;
                }
                None
            }
        }
    }

    /// DNS rebinding: a public name must not lead a browser to an address inside the network.
    fn addresses(&mut self, record: &Record<'_>) -> Option<End> {
        if self.private_allowed {
            return None;
        }
        if !(record.address().is_some_and(is_private) || record.hints().any(is_private)) {
            return None;
        }
        let cause = Cause::PrivateAddresses;
        if self.policy.mode == Mode::Observe {
            self.would_block = self.would_block.or(Some(cause));
            return None;
        }
        Some(blocked(Reason::PrivateAddress, cause, None, BlockAnswer::Nxdomain))
    }
}
