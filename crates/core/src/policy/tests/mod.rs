//! What a policy promises, and the means to build one in a test.

mod against_reference;
mod alias_chain;
mod decisions;
mod explanation;
mod lists;
mod mode;
mod pause;
mod precedence;
mod schedules;
mod types;

use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_wire::{Name, RecordType};

use super::*;
use crate::document::{
    Action, AnswerDocument, DefaultDocument, LogLevel, MatchDocument, Mode, PrivateAddresses,
    RuleDocument, SpanDocument,
};
use crate::faults::Faults;
use crate::list_table::ListTable;

/// A rule out of matches as a person writes them.
pub(super) fn rule(action: Action, matches: &[&str]) -> RuleDocument {
    let matches = matches
        .iter()
        .map(|text| match (text.strip_prefix("*."), text.strip_prefix('/')) {
            (Some(parent), _) => MatchDocument::Below(parent.to_owned()),
            (_, Some(regex)) => MatchDocument::Regex(regex.trim_end_matches('/').to_owned()),
            _ => MatchDocument::Exact((*text).to_owned()),
        })
        .collect();
    RuleDocument {
        action,
        matches,
        types: Vec::new(),
        answer: AnswerDocument::Nxdomain,
        mode: Mode::Enforce,
        when: None,
        during: None,
        important: false,
        decision: false,
        origin: "policy.yaml:7 Policy/base spec.rules[0]".to_owned(),
    }
}

pub(super) fn allow(matches: &[&str]) -> RuleDocument {
    rule(Action::Allow, matches)
}

pub(super) fn block(matches: &[&str]) -> RuleDocument {
    rule(Action::Block, matches)
}

pub(super) fn important(matches: &[&str]) -> RuleDocument {
    RuleDocument { important: true, ..block(matches) }
}

pub(super) fn observed(rule: RuleDocument) -> RuleDocument {
    RuleDocument { mode: Mode::Observe, ..rule }
}

/// A decision of a person.
pub(super) fn decision(rule: RuleDocument) -> RuleDocument {
    RuleDocument { decision: true, ..rule }
}

/// From one second to another.
pub(super) fn span(from: i64, until: i64) -> Span {
    Span::compile(SpanDocument { from, until }, "span", "test", &mut Faults::default())
}

/// A policy of these rules that allows by default and uses no lists.
pub(super) fn policy(rules: Vec<RuleDocument>) -> Policy {
    policy_at(rules, &never())
}

/// No schedules.
pub(super) fn never() -> Arc<[Schedule]> {
    Arc::new([])
}

/// The same, of rules that act at times.
pub(super) fn policy_at(rules: Vec<RuleDocument>, schedules: &Arc<[Schedule]>) -> Policy {
    let mut faults = Faults::default();
    let rules = RuleSet::compile(rules, schedules, "rules", &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    Policy {
        name: "base".to_owned(),
        origin: "policy.yaml:1 Policy/base".to_owned(),
        mode: Mode::Enforce,
        log: LogLevel::Full,
        rules,
        list_ids: Vec::new(),
        lists: std::iter::empty().collect(),
        list_answer: BlockAnswer::Null,
        list_mode: Mode::Enforce,
        paused: None,
        default: DefaultDocument::Allow,
        private_addresses: PrivateAddresses::Block,
        private_names: NamePatterns::compile(&[], "names", "", &mut faults),
        forwarded_names: NamePatterns::compile(&[], "names", "", &mut faults),
        tunneling: None,
        missing_domains: None,
        blocked_ttl: 10,
        domains: Domains::default(),
        upstream_set: 0,
        record_set: 0,
        rewrites: Default::default(),
    }
}

/// No lists.
pub(super) fn no_lists() -> ListTable {
    ListTable::default()
}

pub(super) fn hashed(text: &str) -> HashedName {
    HashedName::new(&Name::from_text(text).unwrap())
}

pub(super) fn decided(policy: &Policy, name: &str, kind: RecordType) -> Decision {
    decide(&no_lists(), policy, &hashed(name), kind, ANYTIME, &mut ())
}

/// A decision about a name that another one leads to, which nothing expressly allowed.
pub(super) fn decide_target(policy: &Policy, name: &str, moment: Moment) -> Decision {
    let (lists, question) = (no_lists(), hashed("question.example"));
    let chain = AliasChain::new(&lists, policy, &question, moment);
    chain.decide_target(&hashed(name), RecordType::A, None, &mut ())
}

/// For policies to which the time is all the same.
pub(super) const ANYTIME: Moment = Moment::at(0);

/// The verdict about the addresses of a name.
pub(super) fn verdict(policy: &Policy, name: &str) -> Verdict {
    decided(policy, name, RecordType::A).verdict
}

pub(super) const ALLOWED_BY_DEFAULT: Verdict = Verdict::Allow(Cause::Default);

pub(super) fn allowed_by(rule: u32) -> Verdict {
    Verdict::Allow(Cause::Rule(rule))
}

pub(super) fn blocked_by(rule: u32) -> Verdict {
    Verdict::Block(Cause::Rule(rule), BlockAnswer::Nxdomain)
}
