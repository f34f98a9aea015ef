//! A name and what its aliases lead to, as one policy sees them together.
//!
//! Whoever allows a name allows what it leads to: an allow speaks of each name behind it, at its
//! own place in the precedence. So a block of a target counts only where it comes before the allow
//! that led there. A local record of the name allows in the same way, at its own place: it wins over
//! lists and the default, and not over rules.

use keyhole_names::HashedName;
use keyhole_wire::RecordType;

use super::block_answer::BlockAnswer;
use super::cause::Cause;
use super::compiled_policy::Policy;
use super::decide::{Decision, Verdict};
use super::name_in_chain::NameInChain;
use super::schedule::Moment;
use super::trace::Trace;
use crate::document::DefaultDocument;
use crate::list_table::ListTable;

/// Decides about a name and type that a client asks for.
#[inline]
pub fn decide(
    lists: &ListTable,
    policy: &Policy,
    hashed: &HashedName,
    kind: RecordType,
    moment: Moment,
    trace: &mut impl Trace,
) -> Decision {
    let default = policy.default;
    let name = NameInChain { lists, policy, hashed, moment, default, allowed_by: None };
    let decision = name.evaluate(kind, trace);
    match decision.verdict {
        Verdict::Block(cause, answer) => {
            let chain = AliasChain::new(lists, policy, hashed, moment);
            let answer = chain.answer(cause, answer, kind);
            Decision { verdict: Verdict::Block(cause, answer), ..decision }
        }
        Verdict::Allow(_) => decision,
    }
}

/// The names from a question along its aliases.
pub struct AliasChain<'a> {
    pub(super) lists: &'a ListTable,
    pub(super) policy: &'a Policy,
    pub(super) moment: Moment,
    question: &'a HashedName,
    /// What allows the names behind the question before any of them is decided about.
    led_by: Option<Cause>,
    /// Targets of aliases, in their order; nearly always none.
    targets: Vec<HashedName>,
}

impl<'a> AliasChain<'a> {
    /// A question without aliases so far.
    pub fn new(
        lists: &'a ListTable,
        policy: &'a Policy,
        question: &'a HashedName,
        moment: Moment,
    ) -> Self {
        Self { lists, policy, moment, question, led_by: None, targets: Vec::new() }
    }

    /// The same for a question that a local record answers, perhaps with an alias.
    #[must_use]
    pub fn of_record(self) -> Self {
        Self { led_by: Some(Cause::Record), ..self }
    }

    /// What allows the names behind the question, if it was allowed by this cause.
    pub fn allowed_by(&self, cause: Cause) -> Option<Cause> {
        allowed_by_now(self.led_by, Verdict::Allow(cause))
    }

    /// Adds the target of the next alias.
    pub fn push(&mut self, target: HashedName) {
        self.targets.push(target);
    }

    /// Decides about a name that the chain leads to.
    ///
    /// As for a name asked for, but a name without a match is allowed, whatever the default: else
    /// default deny would ask people to list the names of every content network. `allowed_by` is
    /// what allowed the names before it, if anything did expressly.
    pub fn decide_target(
        &self,
        target: &HashedName,
        kind: RecordType,
        allowed_by: Option<Cause>,
        trace: &mut impl Trace,
    ) -> Decision {
        self.name(target, DefaultDocument::Allow, allowed_by).evaluate(kind, trace)
    }

    /// How a block of a name of the chain is answered. An answer that speaks of the whole name is
    /// no data where the question may be asked for another type: a client that hears that a name
    /// does not exist asks for no other type of it (RFC 2308 section 5, RFC 8020 section 2), and
    /// some take REFUSED in the same way.
    pub fn answer(&self, cause: Cause, answer: BlockAnswer, kind: RecordType) -> BlockAnswer {
        let rules = &self.policy.rules;
        if !(rules.has_types() || self.lists.has_types()) {
            return answer;
        }
        let speaks_of_name = match answer {
            BlockAnswer::Nxdomain => true,
            // A rule for some types that refuses was written so.
            BlockAnswer::Refused => !matches!(cause, Cause::Rule(rule) if rules.is_typed(rule)),
            BlockAnswer::NoData | BlockAnswer::Null | BlockAnswer::Address(_) => false,
        };
        if speaks_of_name && self.allows_another_type(kind) { BlockAnswer::NoData } else { answer }
    }

    /// Whether the policy can say something else about the same names for another type.
    pub fn has_types(&self) -> bool {
        self.policy.rules.has_types() || self.lists.has_types()
    }

    /// Whether every name may be asked for this type, and `last` too, where one is given.
    pub fn allows(&self, kind: RecordType, last: Option<&HashedName>) -> bool {
        let mut allowed_by = self.led_by;
        let default =
            if allowed_by.is_some() { DefaultDocument::Allow } else { self.policy.default };
        let question = (self.question, default);
        let targets = self.targets.iter().chain(last).map(|one| (one, DefaultDocument::Allow));
        std::iter::once(question).chain(targets).all(|(hashed, default)| {
            let name = self.name(hashed, default, allowed_by);
            let verdict = name.evaluate(kind, &mut ()).verdict;
            allowed_by = allowed_by_now(allowed_by, verdict);
            matches!(verdict, Verdict::Allow(_))
        })
    }

    fn allows_another_type(&self, kind: RecordType) -> bool {
        let mut types = Vec::new();
        for hashed in std::iter::once(self.question).chain(&self.targets) {
            self.policy.rules.named_types(hashed, &mut types);
            self.lists.named_types(&self.policy.lists, hashed, &mut types);
        }
        types.sort_unstable();
        types.dedup();
        // One type that nothing singles out stands for all of them.
        let other = (1..=u16::MAX).find(|number| types.binary_search(number).is_err());
        let mut others = types.into_iter().chain(other).filter(|&number| number != kind.0);
        others.any(|number| self.allows(RecordType(number), None))
    }

    fn name<'n>(
        &'n self,
        hashed: &'n HashedName,
        default: DefaultDocument,
        allowed_by: Option<Cause>,
    ) -> NameInChain<'n> {
        let Self { lists, policy, moment, .. } = *self;
        NameInChain { lists, policy, hashed, moment, default, allowed_by }
    }
}

/// What allows the names behind one with this verdict: an allow rule, a decision, a local record, an
/// exception or an allow list, of this name or of one before it. A default or a pause allows no
/// other name.
pub fn allowed_by_now(before: Option<Cause>, verdict: Verdict) -> Option<Cause> {
    match (before, verdict) {
        // A record wins over every list, and an exception only over some entries.
        (Some(Cause::Record), Verdict::Allow(Cause::List(_))) => before,
        (_, Verdict::Allow(cause @ (Cause::Rule(_) | Cause::List(_) | Cause::Record))) => {
            Some(cause)
        }
        _ => before,
    }
}
