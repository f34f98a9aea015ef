//! What a person decided about a name, for now or for good.

use super::*;
use crate::Error;

const UNTIL: i64 = 2_000;

/// The same decision, only for a while.
fn for_now(rule: RuleDocument) -> RuleDocument {
    let during = Some(SpanDocument { from: 1_000, until: UNTIL });
    RuleDocument { during, ..decision(rule) }
}

fn verdict_at(policy: &Policy, name: &str, unix: i64) -> Verdict {
    let moment = policy.moment(|| unix);
    decide(&no_lists(), policy, &hashed(name), RecordType::A, moment, &mut ()).verdict
}

#[test]
fn a_decision_comes_before_allow_and_block_rules_and_after_important_ones() {
    let policy = policy(vec![
        important(&["bad.test"]),
        allow(&["*.test"]),
        block(&["*.example"]),
        decision(allow(&["bad.test", "good.example"])),
        decision(block(&["good.test"])),
    ]);
    assert_eq!(verdict(&policy, "bad.test"), blocked_by(0));
    assert_eq!(verdict(&policy, "good.test"), blocked_by(4));
    assert_eq!(verdict(&policy, "good.example"), allowed_by(3));
    assert_eq!(verdict(&policy, "other.test"), allowed_by(1));
}

#[test]
fn of_two_decisions_the_first_in_the_document_wins_whatever_they_do() {
    for (first, second) in [(Action::Allow, Action::Block), (Action::Block, Action::Allow)] {
        let second = decision(rule(second, &["*.test", "a.test"]));
        let rules = vec![decision(rule(first, &["a.test"])), second];
        let (Verdict::Allow(cause) | Verdict::Block(cause, _)) = verdict(&policy(rules), "a.test");
        assert_eq!(cause, Cause::Rule(0));
    }
}

#[test]
fn a_rule_with_an_end_acts_from_its_first_second_to_the_one_before_its_end() {
    let policy = policy(vec![for_now(block(&["a.test"]))]);
    for (unix, acts) in [(999, false), (1_000, true), (UNTIL - 1, true), (UNTIL, false)] {
        let expected = if acts { blocked_by(0) } else { ALLOWED_BY_DEFAULT };
        assert_eq!(verdict_at(&policy, "a.test", unix), expected, "{unix}");
    }
}

#[test]
fn a_decision_tells_in_its_own_step_until_when_it_holds() {
    let policy = policy(vec![for_now(allow(&["a.test"]))]);
    let steps_at = |unix| {
        let mut steps: Vec<Step> = Vec::new();
        let moment = policy.moment(|| unix);
        decide(&no_lists(), &policy, &hashed("a.test"), RecordType::A, moment, &mut steps);
        steps.into_iter().find(|step| step.what == "decisions").unwrap()
    };
    let step = steps_at(1_500);
    assert_eq!((&*step.result, step.decides), ("allows", true));
    assert_eq!(step.detail["matching"][0]["until"], "1970-01-01T00:33:20Z");
    let step = steps_at(UNTIL);
    assert_eq!((&*step.result, step.decides), ("not at this time", false));
    assert_eq!(step.detail["matching"][0]["active"], false);
}

#[test]
fn an_important_decision_and_an_end_before_the_beginning_are_refused() {
    let mut faults = Faults::default();
    let during = Some(SpanDocument { from: 5, until: 5 });
    let rules =
        vec![decision(important(&["a.test"])), RuleDocument { during, ..block(&["a.test"]) }];
    RuleSet::compile(rules, &never(), "rules", &mut faults);
    let Err(Error::Invalid { why, .. }) = faults.into_result("snapshot", ()) else {
        panic!("accepted");
    };
    for part in [
        "rules[0].decision: a decision comes after important rules",
        "rules[1].during: it is over before it begins: 5 to 5 (policy.yaml:7",
    ] {
        assert!(why.contains(part), "{part} is not in {why}");
    }
}
