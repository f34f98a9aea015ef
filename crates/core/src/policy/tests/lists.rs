//! Lists among the rules of a policy.

use keyhole_lists::{Compiler, Format};
use keyhole_names::list_file::ListFile;

use super::*;
use crate::document::ListKind;

/// A policy with these rules that uses every one of the lists, each given as adblock syntax.
pub(super) fn with_lists(
    lists: &[(ListKind, &str)],
    rules: Vec<RuleDocument>,
) -> (ListTable, Policy) {
    let mut compiler = Compiler::new(&[]);
    let (mut kinds, mut names) = (Vec::new(), Vec::new());
    for (index, (kind, text)) in lists.iter().enumerate() {
        let name = format!("list{index}");
        compiler.begin_list(&name, *kind).unwrap();
        compiler.read_file("list.txt", Some(Format::Adblock), text.as_bytes()).unwrap();
        kinds.push(*kind);
        names.push(name);
    }
    let file = ListFile::from_octets(compiler.finish().unwrap().0).unwrap();
    let table = ListTable::of(file, kinds, names);
    let mut policy = policy(rules);
    policy.list_ids = (0..lists.len()).collect();
    policy.lists = policy.list_ids.iter().copied().collect();
    (table, policy)
}

fn decided((lists, policy): &(ListTable, Policy), name: &str) -> Decision {
    let decision = decide(lists, policy, &hashed(name), RecordType::A, ANYTIME, &mut ());
    let mut steps = Vec::new();
    let traced = decide(lists, policy, &hashed(name), RecordType::A, ANYTIME, &mut steps);
    assert_eq!(decision, traced);
    assert!(steps.last().is_some_and(|step| step.decides));
    decision
}

/// `block list0:1`, `allow rule 0` and the like.
fn said(policed: &(ListTable, Policy), name: &str) -> String {
    let (word, cause) = match decided(policed, name).verdict {
        Verdict::Allow(cause) => ("allow", cause),
        Verdict::Block(cause, _) => ("block", cause),
    };
    match cause {
        Cause::Rule(rule) => format!("{word} rule {rule}"),
        Cause::List(hit) => format!("{word} list{}:{}", hit.list, hit.line),
        other => format!("{word} {other:?}").to_lowercase(),
    }
}

const BLOCK: ListKind = ListKind::Block;
const ALLOW: ListKind = ListKind::Allow;

#[test]
fn a_block_list_beats_the_default_and_gives_the_answer_for_lists() {
    let policed = with_lists(&[(BLOCK, "||x.test^\n||ads.test^")], vec![]);
    assert_eq!(said(&policed, "www.ads.test"), "block list0:2");
    assert_eq!(said(&policed, "www.test"), "allow default");
    let Verdict::Block(_, answer) = decided(&policed, "ads.test").verdict else {
        panic!("allowed")
    };
    assert_eq!(answer, BlockAnswer::Null);
}

#[test]
fn an_allow_list_beats_a_block_list_and_a_default_that_denies() {
    let lists = [(BLOCK, "||test^"), (ALLOW, "||good.test^\n||good.example^")];
    let (lists, mut policy) = with_lists(&lists, vec![]);
    policy.default = DefaultDocument::Deny;
    let policed = (lists, policy);
    assert_eq!(said(&policed, "www.good.test"), "allow list1:1");
    assert_eq!(said(&policed, "good.example"), "allow list1:2");
    assert_eq!(said(&policed, "bad.example"), "block default");
}

#[test]
fn an_exception_in_a_block_list_beats_its_blocks_but_not_an_important_one() {
    let text = "||a.test^\n@@||a.test^\n||b.test^$important\n@@||b.test^";
    let policed = with_lists(&[(BLOCK, text)], vec![]);
    assert_eq!(said(&policed, "a.test"), "allow list0:2");
    assert_eq!(said(&policed, "b.test"), "block list0:3");
}

#[test]
fn every_rule_beats_every_list() {
    let lists = [(BLOCK, "||a.test^$important"), (ALLOW, "||b.test^")];
    let rules = vec![allow(&["a.test"]), block(&["b.test"])];
    let policed = with_lists(&lists, rules);
    assert_eq!(said(&policed, "a.test"), "allow rule 0");
    assert_eq!(said(&policed, "b.test"), "block rule 1");
}

#[test]
fn a_list_that_the_policy_does_not_use_says_nothing() {
    let (lists, mut policy) = with_lists(&[(BLOCK, "||a.test^"), (BLOCK, "||b.test^")], vec![]);
    policy.list_ids = vec![1];
    policy.lists = [1].into_iter().collect();
    let policed = (lists, policy);
    assert_eq!(said(&policed, "a.test"), "allow default");
    assert_eq!(said(&policed, "b.test"), "block list1:1");
}

#[test]
fn observed_lists_are_noted_and_the_default_decides() {
    let (lists, mut policy) = with_lists(&[(BLOCK, "||a.test^\n@@||b.test^")], vec![]);
    policy.list_mode = Mode::Observe;
    let policed = (lists, policy);
    let decision = decided(&policed, "a.test");
    assert_eq!(decision.verdict, ALLOWED_BY_DEFAULT);
    assert!(matches!(decision.would_block, Some(Cause::List(hit)) if hit.line == 1));
    assert_eq!(decided(&policed, "b.test").would_block, None);
}

#[test]
fn an_observed_rule_is_noted_before_a_list_decides() {
    let policed = with_lists(&[(BLOCK, "||a.test^")], vec![observed(block(&["a.test"]))]);
    let decision = decided(&policed, "a.test");
    assert!(matches!(decision.verdict, Verdict::Block(Cause::List(_), BlockAnswer::Null)));
    assert_eq!(decision.would_block, Some(Cause::Rule(0)));
}

#[test]
fn an_entry_is_told_with_list_file_line_and_text() {
    let (lists, policy) = with_lists(&[(BLOCK, "! comment\n||ads.test^$important")], vec![]);
    let mut steps = Vec::new();
    let name = hashed("www.ads.test");
    let decision = decide(&lists, &policy, &name, RecordType::A, ANYTIME, &mut steps);
    let Verdict::Block(cause, _) = decision.verdict else { panic!("allowed") };
    let told = describe(&lists, &policy, cause, None);
    assert_eq!(told["cause"], "list");
    assert_eq!(told["list"], "list0");
    assert_eq!(told["file"], "list.txt");
    assert_eq!(told["line"], 2);
    assert_eq!(told["entry"], "||ads.test^$important");
    let step = steps.last().unwrap();
    assert_eq!((&*step.what, &*step.result), ("lists", "blocks"));
    assert_eq!(step.detail["deciding_entry"]["line"], 2);
    assert_eq!(step.detail["entries"][0]["list"], "list0");
}
