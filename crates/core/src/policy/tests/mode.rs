//! What a policy that only observes does.

use super::*;

fn observing(rules: Vec<RuleDocument>) -> Policy {
    Policy { mode: Mode::Observe, ..policy(rules) }
}

const LET_THROUGH: Verdict = Verdict::Allow(Cause::Mode);

#[test]
fn a_policy_that_only_observes_lets_through_what_a_rule_blocks_and_notes_the_rule() {
    let policy = observing(vec![allow(&["a.test"]), block(&["*.test"])]);
    let decision = decided(&policy, "b.test", RecordType::A);
    assert_eq!(decision, Decision { verdict: LET_THROUGH, would_block: Some(Cause::Rule(1)) });
    let allowed = decided(&policy, "a.test", RecordType::A);
    assert_eq!(allowed, Decision { verdict: allowed_by(0), would_block: None });
    let free = decided(&policy, "a.example", RecordType::A);
    assert_eq!(free, Decision { verdict: ALLOWED_BY_DEFAULT, would_block: None });
}

#[test]
fn a_policy_that_only_observes_notes_what_its_default_denies() {
    let mut policy = observing(vec![allow(&["a.test"])]);
    policy.default = DefaultDocument::Deny;
    let decision = decided(&policy, "b.test", RecordType::A);
    assert_eq!(decision, Decision { verdict: LET_THROUGH, would_block: Some(Cause::Default) });
}

#[test]
fn the_first_block_on_the_way_is_the_one_that_is_noted() {
    let first_rule = observing(vec![observed(important(&["a.test"])), block(&["a.test"])]);
    assert_eq!(decided(&first_rule, "a.test", RecordType::A).would_block, Some(Cause::Rule(0)));
    // With everything in force the allow rule would come first.
    let allowed = observing(vec![observed(allow(&["a.test"])), block(&["a.test"])]);
    let decision = decided(&allowed, "a.test", RecordType::A);
    assert_eq!(decision, Decision { verdict: LET_THROUGH, would_block: None });
}

#[test]
fn a_target_that_nothing_speaks_for_is_allowed_whatever_the_default() {
    let mut denying = policy(vec![block(&["bad.test"])]);
    denying.default = DefaultDocument::Deny;
    let target = |policy: &Policy, name: &str| decide_target(policy, name, ANYTIME);
    assert_eq!(
        target(&denying, "any.test"),
        Decision { verdict: ALLOWED_BY_DEFAULT, would_block: None }
    );
    assert_eq!(target(&denying, "bad.test").verdict, blocked_by(0));
    denying.mode = Mode::Observe;
    assert_eq!(
        target(&denying, "any.test"),
        Decision { verdict: ALLOWED_BY_DEFAULT, would_block: None }
    );
    let bad = target(&denying, "bad.test");
    assert_eq!(bad, Decision { verdict: LET_THROUGH, would_block: Some(Cause::Rule(0)) });
}

#[test]
fn a_policy_that_only_observes_tells_what_it_would_do_and_that_it_does_not() {
    let policy = observing(vec![block(&["a.test"])]);
    let mut steps: Vec<Step> = Vec::new();
    let name = hashed("a.test");
    let decision = decide(&no_lists(), &policy, &name, RecordType::A, ANYTIME, &mut steps);
    let told: Vec<(&str, &str, bool)> =
        steps.iter().map(|step| (&*step.what, &*step.result, step.decides)).collect();
    assert_eq!(
        told,
        [
            ("important block rules", "no match", false),
            ("decisions", "no match", false),
            ("allow rules", "no match", false),
            ("block rules", "would block", false),
            ("mode of the policy", "only observes", true),
        ]
    );
    let Verdict::Allow(cause) = decision.verdict else { panic!("blocked") };
    let told = describe(&no_lists(), &policy, cause, Some(&name));
    assert_eq!((&told["cause"], &told["mode"]), (&"mode".into(), &"observe".into()));
}
