//! What pausing blocking does, and what it leaves alone.

use keyhole_lists::{Compiler, Format};
use keyhole_names::list_file::ListFile;

use super::*;
use crate::document::ListKind;

const LET_THROUGH: Verdict = Verdict::Allow(Cause::Pause);
const DENIED: Verdict = Verdict::Block(Cause::Default, BlockAnswer::Refused);

/// A policy that is paused from second 1,000 to second 2,000.
fn paused(rules: Vec<RuleDocument>) -> Policy {
    Policy { paused: Some(span(1_000, 2_000)), ..policy(rules) }
}

fn decided_at(lists: &ListTable, policy: &Policy, name: &str, unix: i64) -> Decision {
    let moment = policy.moment(|| unix);
    decide(lists, policy, &hashed(name), RecordType::A, moment, &mut ())
}

fn during(policy: &Policy, name: &str) -> Decision {
    decided_at(&no_lists(), policy, name, 1_500)
}

/// One block list and one allow list, both in use.
fn with_lists(block: &str, allow: &str) -> (ListTable, Policy) {
    let mut compiler = Compiler::new(&[]);
    let (mut kinds, mut names) = (Vec::new(), Vec::new());
    let mut policy = paused(vec![]);
    for (name, kind, text) in [("ads", ListKind::Block, block), ("ours", ListKind::Allow, allow)] {
        compiler.begin_list(name, kind).unwrap();
        compiler.read_file("list.txt", Some(Format::Adblock), text.as_bytes()).unwrap();
        kinds.push(kind);
        names.push(name.to_owned());
    }
    let file = ListFile::from_octets(compiler.finish().unwrap().0).unwrap();
    let table = ListTable::of(file, kinds, names);
    policy.list_ids = vec![0, 1];
    policy.lists = [0, 1].into_iter().collect();
    (table, policy)
}

#[test]
fn a_pause_lets_through_what_a_rule_blocks_and_notes_the_rule() {
    let policy = paused(vec![allow(&["a.test"]), block(&["*.test", "/^ad/"])]);
    let through = Decision { verdict: LET_THROUGH, would_block: Some(Cause::Rule(1)) };
    assert_eq!(during(&policy, "b.test"), through);
    assert_eq!(during(&policy, "ad.example"), through);
    assert_eq!(during(&policy, "a.test"), Decision { verdict: allowed_by(0), would_block: None });
    let free = Decision { verdict: ALLOWED_BY_DEFAULT, would_block: None };
    assert_eq!(during(&policy, "b.example"), free);
}

#[test]
fn a_pause_ends_by_the_clock_alone_and_does_not_hold_before_it_began() {
    let policy = paused(vec![block(&["a.test"])]);
    for (unix, expected) in [
        (999, blocked_by(0)),
        (1_000, LET_THROUGH),
        (1_999, LET_THROUGH),
        (2_000, blocked_by(0)),
        (i64::MAX, blocked_by(0)),
    ] {
        assert_eq!(decided_at(&no_lists(), &policy, "a.test", unix).verdict, expected, "{unix}");
    }
}

#[test]
fn a_policy_that_was_never_paused_asks_for_no_time() {
    let mut policy = policy(vec![block(&["a.test"])]);
    assert_eq!(policy.moment(|| panic!("nobody needs it")), Moment::at(0));
    policy.paused = Some(span(1, 2));
    assert_eq!(policy.moment(|| 7), Moment::at(7));
}

#[test]
fn a_pause_leaves_important_rules_and_decisions_in_force() {
    let policy =
        paused(vec![important(&["a.test"]), decision(block(&["b.test"])), block(&["*.test"])]);
    assert_eq!(during(&policy, "a.test").verdict, blocked_by(0));
    assert_eq!(during(&policy, "b.test").verdict, blocked_by(1));
    assert_eq!(during(&policy, "c.test").verdict, LET_THROUGH);
}

#[test]
fn a_pause_never_opens_what_was_never_allowed() {
    let mut policy = paused(vec![allow(&["a.test"]), block(&["b.test"])]);
    policy.default = DefaultDocument::Deny;
    assert_eq!(during(&policy, "a.test").verdict, allowed_by(0));
    assert_eq!(
        during(&policy, "b.test"),
        Decision { verdict: DENIED, would_block: Some(Cause::Rule(1)) }
    );
    assert_eq!(during(&policy, "c.test"), Decision { verdict: DENIED, would_block: None });
}

#[test]
fn a_pause_lets_through_what_a_list_blocks_and_notes_the_entry() {
    let policed = with_lists("||ads.test^\n||worse.test^$important\n@@||fine.ads.test^", "");
    let (lists, mut policy) = policed;
    for (name, line) in [("www.ads.test", 1), ("worse.test", 2)] {
        let decision = decided_at(&lists, &policy, name, 1_500);
        assert_eq!(decision.verdict, LET_THROUGH, "{name}");
        assert!(
            matches!(decision.would_block, Some(Cause::List(hit)) if hit.line == line),
            "{name}"
        );
        let after = decided_at(&lists, &policy, name, 2_000);
        assert!(matches!(after.verdict, Verdict::Block(Cause::List(_), _)), "{name}");
    }
    let fine = decided_at(&lists, &policy, "fine.ads.test", 1_500);
    assert!(matches!(fine.verdict, Verdict::Allow(Cause::List(_))));
    policy.default = DefaultDocument::Deny;
    assert_eq!(decided_at(&lists, &policy, "www.ads.test", 1_500).verdict, DENIED);
}

#[test]
fn a_pause_leaves_allow_lists_in_force_and_says_so_where_a_rule_was_passed() {
    let (lists, mut policy) = with_lists("", "||good.test^");
    policy.default = DefaultDocument::Deny;
    let good = decided_at(&lists, &policy, "good.test", 1_500);
    assert!(matches!(good.verdict, Verdict::Allow(Cause::List(_))) && good.would_block.is_none());
    policy.rules = paused(vec![block(&["good.test"])]).rules;
    let good = decided_at(&lists, &policy, "good.test", 1_500);
    assert_eq!(good, Decision { verdict: LET_THROUGH, would_block: Some(Cause::Rule(0)) });
}

#[test]
fn a_target_of_an_answer_is_let_through_as_a_name_asked_for() {
    let policy = paused(vec![block(&["a.test"])]);
    let decision = decide_target(&policy, "a.test", Moment::at(1_500));
    assert_eq!(decision, Decision { verdict: LET_THROUGH, would_block: Some(Cause::Rule(0)) });
}

#[test]
fn what_only_observes_stays_what_it_was_while_blocking_is_paused() {
    let policy = paused(vec![observed(block(&["a.test"])), observed(allow(&["b.test"]))]);
    let seen = Decision { verdict: ALLOWED_BY_DEFAULT, would_block: Some(Cause::Rule(0)) };
    assert_eq!(during(&policy, "a.test"), seen);
    assert_eq!(during(&policy, "b.test").verdict, ALLOWED_BY_DEFAULT);
    let mut observing = paused(vec![block(&["a.test"])]);
    (observing.mode, observing.default) = (Mode::Observe, DefaultDocument::Deny);
    let through =
        Decision { verdict: Verdict::Allow(Cause::Mode), would_block: Some(Cause::Rule(0)) };
    assert_eq!(during(&observing, "a.test"), through);
}

#[test]
fn a_pause_is_told_with_its_end_and_with_what_it_passed() {
    let policy = paused(vec![block(&["a.test"])]);
    let told = |unix| {
        let mut steps: Vec<Step> = Vec::new();
        let moment = policy.moment(|| unix);
        decide(&no_lists(), &policy, &hashed("a.test"), RecordType::A, moment, &mut steps);
        assert_eq!(steps.iter().filter(|step| step.decides).count(), 1);
        steps.into_iter().map(|step| format!("{}: {}", step.what, step.result)).collect::<Vec<_>>()
    };
    assert_eq!(
        told(1_500),
        [
            "pause of blocking: until 1970-01-01T00:33:20Z",
            "important block rules: no match",
            "decisions: no match",
            "allow rules: no match",
            "block rules: paused",
            "lists: no match",
            "default: allows",
        ]
    );
    assert_eq!(told(2_000)[0], "pause of blocking: over");
    let told = describe(&no_lists(), &policy, Cause::Pause, Some(&hashed("a.test")));
    assert_eq!((&told["cause"], &told["policy"]), (&"pause".into(), &"base".into()));
    assert_eq!(told["until"], "1970-01-01T00:33:20Z");
}
