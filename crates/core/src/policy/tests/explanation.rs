//! What `explain` tells.

use serde_json::json;

use super::*;
use crate::reason::Stage;

fn steps(policy: &Policy, name: &str) -> (Decision, Vec<Step>) {
    let mut steps = Vec::new();
    let decision = decide(&no_lists(), policy, &hashed(name), RecordType::A, ANYTIME, &mut steps);
    (decision, steps)
}

fn summary(steps: &[Step]) -> Vec<(&str, &str, bool)> {
    steps.iter().map(|step| (&*step.what, &*step.result, step.decides)).collect()
}

#[test]
fn every_step_is_told_in_order_up_to_the_one_that_decides() {
    let policy = policy(vec![observed(important(&["*.test"])), block(&["/^a/", "a.test"])]);
    let (decision, steps) = steps(&policy, "A.test");
    assert_eq!(
        summary(&steps),
        [
            ("important block rules", "only observes", false),
            ("decisions", "no match", false),
            ("allow rules", "no match", false),
            ("block rules", "blocks", true),
        ]
    );
    assert_eq!(decision, decided(&policy, "a.test", RecordType::A));
    let deciding = &steps[3].detail;
    assert_eq!(deciding["name"], "a.test");
    assert_eq!(deciding["deciding_rule"], 1);
    assert_eq!(deciding["matching"][0]["matched"], json!(["/^a/", "a.test"]));
    assert_eq!(deciding["matching"][0]["origin"], "policy.yaml:7 Policy/base spec.rules[0]");
}

#[test]
fn a_name_that_nothing_decides_is_told_to_fall_to_the_default() {
    let policy = policy(vec![block(&["a.test"])]);
    let (_, steps) = steps(&policy, "b.test");
    assert_eq!(
        summary(&steps),
        [
            ("important block rules", "no match", false),
            ("decisions", "no match", false),
            ("allow rules", "no match", false),
            ("block rules", "no match", false),
            ("lists", "no match", false),
            ("default", "allows", true),
        ]
    );
}

#[test]
fn a_stage_can_ask_under_its_own_name() {
    let policy = policy(vec![allow(&["a.test"])]);
    let mut steps: Vec<Step> = Vec::new();
    let mut trace = InStage { stage: Stage::Vet, trace: &mut steps };
    decide(&no_lists(), &policy, &hashed("a.test"), RecordType::A, ANYTIME, &mut trace);
    assert!(steps.iter().all(|step| step.stage == Stage::Vet));
}

#[test]
fn a_cause_names_policy_rule_and_origin() {
    let policy = policy(vec![block(&["*.test", "b.example"])]);
    let told = describe(&no_lists(), &policy, Cause::Rule(0), Some(&hashed("a.test")));
    assert_eq!(told["cause"], "rule");
    assert_eq!(told["policy"], "base");
    assert_eq!(told["origin"], "policy.yaml:7 Policy/base spec.rules[0]");
    assert_eq!(told["matched"], json!(["*.test"]));
    let told = describe(&no_lists(), &policy, Cause::Default, None);
    assert_eq!((&told["cause"], &told["default"]), (&json!("default"), &json!("allow")));
}
