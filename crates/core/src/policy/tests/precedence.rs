//! Which rule decides.

use super::*;
use crate::Error;

#[test]
fn an_important_block_rule_beats_an_allow_rule_wherever_it_stands() {
    let policy = policy(vec![allow(&["a.example.org"]), important(&["*.example.org"])]);
    assert_eq!(verdict(&policy, "a.example.org"), blocked_by(1));
}

#[test]
fn an_allow_rule_beats_a_block_rule_wherever_it_stands() {
    let policy = policy(vec![block(&["a.example.org"]), allow(&["*.example.org"])]);
    assert_eq!(verdict(&policy, "a.example.org"), allowed_by(1));
}

#[test]
fn a_block_rule_beats_the_default() {
    let policy = policy(vec![block(&["a.example.org"])]);
    assert_eq!(verdict(&policy, "a.example.org"), blocked_by(0));
    assert_eq!(verdict(&policy, "b.example.org"), ALLOWED_BY_DEFAULT);
}

#[test]
fn an_allow_rule_beats_a_default_that_denies() {
    let mut policy = policy(vec![allow(&["a.example.org"])]);
    policy.default = DefaultDocument::Deny;
    assert_eq!(verdict(&policy, "a.example.org"), allowed_by(0));
    let denied = Verdict::Block(Cause::Default, BlockAnswer::Refused);
    assert_eq!(verdict(&policy, "b.example.org"), denied);
    assert_eq!(verdict(&policy, "."), denied);
}

#[test]
fn among_rules_of_one_rank_the_first_in_the_document_decides() {
    for rule in [allow, block, important] {
        let policy = policy(vec![rule(&["/example/"]), rule(&["a.example.org"]), rule(&["*.org"])]);
        let (Verdict::Allow(cause) | Verdict::Block(cause, _)) = verdict(&policy, "a.example.org");
        assert_eq!(cause, Cause::Rule(0));
    }
}

#[test]
fn a_rule_for_a_name_means_that_name_alone() {
    let policy = policy(vec![block(&["example.org"])]);
    assert_eq!(verdict(&policy, "EXAMPLE.org"), blocked_by(0));
    for other in ["www.example.org", "org", "ample.org", "example.orgs", "."] {
        assert_eq!(verdict(&policy, other), ALLOWED_BY_DEFAULT, "{other}");
    }
}

#[test]
fn a_wildcard_means_every_name_below_and_not_the_name_itself() {
    let policy = policy(vec![block(&["*.example.org"])]);
    for below in ["www.example.org", "a.b.c.Example.ORG"] {
        assert_eq!(verdict(&policy, below), blocked_by(0), "{below}");
    }
    for other in ["example.org", "org", "wwwexample.org", "example.org.test"] {
        assert_eq!(verdict(&policy, other), ALLOWED_BY_DEFAULT, "{other}");
    }
}

#[test]
fn a_wildcard_below_the_root_means_every_name_but_the_root() {
    let policy = policy(vec![block(&["*.."]), allow(&["."])]);
    assert_eq!(verdict(&policy, "org"), blocked_by(0));
    assert_eq!(verdict(&policy, "a.example.org"), blocked_by(0));
    assert_eq!(verdict(&policy, "."), allowed_by(1));
}

#[test]
fn an_expression_searches_the_lower_case_text_without_the_last_dot() {
    let policy = policy(vec![block(&["/^ad[0-9]+\\./", "/tracker/"]), block(&["/\\.org$/"])]);
    assert_eq!(verdict(&policy, "AD7.example.com"), blocked_by(0));
    assert_eq!(verdict(&policy, "my-Tracker.example.com."), blocked_by(0));
    assert_eq!(verdict(&policy, "www.example.org."), blocked_by(1));
    assert_eq!(verdict(&policy, "bad7.example.com"), ALLOWED_BY_DEFAULT);
}

#[test]
fn an_expression_of_higher_rank_decides_although_a_name_matched_first() {
    let policy = policy(vec![block(&["a.example.org"]), allow(&["/^a\\./"])]);
    assert_eq!(verdict(&policy, "a.example.org"), allowed_by(1));
}

#[test]
fn a_rule_for_some_types_leaves_other_types_alone() {
    let only_https = RuleDocument { types: vec![65], ..block(&["a.example.org", "/^b/"]) };
    let policy = policy(vec![only_https]);
    for name in ["a.example.org", "b.example.org"] {
        let https = decided(&policy, name, RecordType::HTTPS).verdict;
        assert_eq!(https, Verdict::Block(Cause::Rule(0), BlockAnswer::NoData));
        assert_eq!(decided(&policy, name, RecordType::A).verdict, ALLOWED_BY_DEFAULT);
    }
}

#[test]
fn a_blocked_name_gets_the_answer_of_its_rule() {
    let address = "192.0.2.9".parse().unwrap();
    for (document, answer) in [
        (AnswerDocument::Nxdomain, BlockAnswer::Nxdomain),
        (AnswerDocument::Nodata, BlockAnswer::NoData),
        (AnswerDocument::Refused, BlockAnswer::Refused),
        (AnswerDocument::Null, BlockAnswer::Null),
        (AnswerDocument::Address(address), BlockAnswer::Address(address)),
    ] {
        let policy = policy(vec![RuleDocument { answer: document, ..block(&["a.test"]) }]);
        assert_eq!(verdict(&policy, "a.test"), Verdict::Block(Cause::Rule(0), answer));
    }
}

#[test]
fn an_observed_block_rule_is_noted_and_then_passed_as_if_absent() {
    let policy = policy(vec![observed(block(&["a.test"])), block(&["*.test"])]);
    let decision = decided(&policy, "a.test", RecordType::A);
    assert_eq!(decision.verdict, blocked_by(1));
    assert_eq!(decision.would_block, Some(Cause::Rule(0)));
    assert_eq!(decided(&policy, "b.test", RecordType::A).would_block, None);
}

#[test]
fn of_several_observed_rules_the_one_of_highest_precedence_is_noted() {
    let policy = policy(vec![
        observed(block(&["a.test"])),
        observed(block(&["/test/"])),
        observed(important(&["*.test"])),
    ]);
    let decision = decided(&policy, "a.test", RecordType::A);
    assert_eq!(decision.verdict, ALLOWED_BY_DEFAULT);
    assert_eq!(decision.would_block, Some(Cause::Rule(2)));
}

#[test]
fn an_observed_rule_behind_the_deciding_one_is_not_noted() {
    let policy = policy(vec![allow(&["a.test"]), observed(block(&["a.test"]))]);
    let decision = decided(&policy, "a.test", RecordType::A);
    assert_eq!(decision, Decision { verdict: allowed_by(0), would_block: None });
}

#[test]
fn an_observed_allow_rule_would_have_come_before_an_observed_block() {
    let policy = policy(vec![observed(allow(&["a.test"])), observed(block(&["a.test"]))]);
    let decision = decided(&policy, "a.test", RecordType::A);
    assert_eq!(decision, Decision { verdict: ALLOWED_BY_DEFAULT, would_block: None });
}

#[test]
fn every_fault_of_the_rules_is_told_with_its_place_and_origin() {
    let mut faults = Faults::default();
    let rules = vec![
        block(&["a..b", "fine.test", "/(/"]),
        RuleDocument { important: true, ..allow(&["b.test"]) },
        block(&[]),
    ];
    RuleSet::compile(rules, &never(), "rules", &mut faults);
    let Err(Error::Invalid { path, why }) = faults.into_result("snapshot", ()) else {
        panic!("accepted");
    };
    assert_eq!(path, "snapshot");
    for part in [
        "rules[0].matches[0]: \"a..b\": a label is empty (policy.yaml:7 Policy/base spec.rules[0])",
        "rules[0].matches[2]: /(/ is not an expression: unclosed group (policy.yaml:7",
        "rules[1].important: only a block rule can be important",
        "rules[2].matches: the rule names nothing",
    ] {
        assert!(why.contains(part), "{part} is not in {why}");
    }
}

#[test]
fn expressions_that_are_too_large_together_are_refused_with_the_limit() {
    let large = format!("/{}/", "[a-z]{1,200}x".repeat(8));
    let rules = (0..400).map(|_| block(&[&large])).collect();
    let mut faults = Faults::default();
    RuleSet::compile(rules, &never(), "rules", &mut faults);
    let Err(Error::Invalid { path, why }) = faults.into_result("snapshot", ()) else {
        panic!("accepted");
    };
    assert_eq!(path, "rules");
    assert!(why.contains("16384 KiB"), "{why}");
}
