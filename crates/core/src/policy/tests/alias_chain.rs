//! Whoever allows a name allows what it leads to.

use super::lists::with_lists;
use super::*;
use crate::document::ListKind;

const BLOCK: ListKind = ListKind::Block;
const ALLOW: ListKind = ListKind::Allow;

/// The verdict about the last of names that lead from one to the next.
fn last((lists, policy): &(ListTable, Policy), names: &[&str]) -> Verdict {
    let question = hashed(names[0]);
    let mut chain = AliasChain::new(lists, policy, &question, ANYTIME);
    let mut verdict = decide(lists, policy, &question, RecordType::A, ANYTIME, &mut ()).verdict;
    let mut allowed_by = allowed_by_now(None, verdict);
    for target in names[1..].iter().map(|name| hashed(name)) {
        assert!(matches!(verdict, Verdict::Allow(_)), "{names:?} ends before its last name");
        verdict = chain.decide_target(&target, RecordType::A, allowed_by, &mut ()).verdict;
        allowed_by = allowed_by_now(allowed_by, verdict);
        chain.push(target);
    }
    assert_eq!(chain.allows(RecordType::A, None), matches!(verdict, Verdict::Allow(_)));
    verdict
}

fn is_allowed(policed: &(ListTable, Policy), names: &[&str]) -> bool {
    matches!(last(policed, names), Verdict::Allow(_))
}

const TRACK: (ListKind, &str) = (BLOCK, "||track.test^");

#[test]
fn an_exception_of_a_list_allows_what_its_name_leads_to() {
    let policed = with_lists(&[TRACK, (BLOCK, "@@||goto.shop.test^")], vec![]);
    assert!(is_allowed(&policed, &["goto.shop.test", "x.track.test"]));
    assert!(!is_allowed(&policed, &["www.shop.test", "x.track.test"]));
    assert!(!is_allowed(&policed, &["x.track.test"]));
}

#[test]
fn an_allow_list_a_rule_and_a_decision_allow_what_their_names_lead_to() {
    let names = ["goto.shop.test", "x.track.test"];
    assert!(is_allowed(&with_lists(&[TRACK, (ALLOW, "||goto.shop.test^")], vec![]), &names));
    for rule in [allow(&["goto.shop.test"]), decision(allow(&["goto.shop.test"]))] {
        assert!(is_allowed(&with_lists(&[TRACK], vec![rule.clone()]), &names));
        let rules = vec![block(&["*.track.test"]), rule];
        assert!(is_allowed(&with_lists(&[], rules), &names), "before block rules, too");
    }
}

#[test]
fn an_allow_speaks_of_targets_at_its_own_place_in_the_precedence() {
    let names = ["goto.shop.test", "x.track.test"];
    let exception = (BLOCK, "@@||goto.shop.test^");
    // A block rule of the policy comes before lists.
    let rules = vec![block(&["x.track.test"])];
    assert_eq!(last(&with_lists(&[exception], rules), &names), blocked_by(0));
    // An important block rule comes before all, a decision to block before allow rules.
    let allowing = decision(allow(&["goto.shop.test"]));
    let policed = with_lists(&[], vec![allowing.clone(), important(&["x.track.test"])]);
    assert_eq!(last(&policed, &names), blocked_by(1));
    let blocking = decision(block(&["x.track.test"]));
    let policed = with_lists(&[], vec![allow(&["goto.shop.test"]), blocking.clone()]);
    assert_eq!(last(&policed, &names), blocked_by(1));
    // Of two decisions the later one, which stands first.
    let policed = with_lists(&[], vec![blocking.clone(), allowing.clone()]);
    assert_eq!(last(&policed, &names), blocked_by(0));
    assert_eq!(last(&with_lists(&[], vec![allowing, blocking]), &names), allowed_by(0));
}

#[test]
fn an_important_entry_of_a_list_comes_before_an_exception() {
    let names = ["goto.shop.test", "x.track.test"];
    let track = (BLOCK, "||track.test^$important");
    assert!(!is_allowed(&with_lists(&[track, (BLOCK, "@@||goto.shop.test^")], vec![]), &names));
    let exception = (BLOCK, "@@||goto.shop.test^$important");
    assert!(is_allowed(&with_lists(&[track, exception], vec![]), &names));
    assert!(is_allowed(&with_lists(&[track], vec![allow(&["goto.shop.test"])]), &names));
}

#[test]
fn a_name_in_between_allows_what_comes_behind_it_and_only_that() {
    let rules = vec![allow(&["goto.shop.test"])];
    let policed = with_lists(&[TRACK], rules);
    assert!(is_allowed(&policed, &["www.test", "goto.shop.test", "x.track.test", "cdn.test"]));
    assert!(!is_allowed(&policed, &["www.test", "x.track.test"]));
    assert!(is_allowed(&policed, &["goto.shop.test", "a.test", "b.test", "x.track.test"]));
}

/// The verdict about a name that an alias of a local record leads to.
fn behind_record((lists, policy): &(ListTable, Policy), target: &str) -> Verdict {
    let question = hashed("door.test");
    let chain = AliasChain::new(lists, policy, &question, ANYTIME).of_record();
    let allowed_by = chain.allowed_by(Cause::Default);
    assert_eq!(allowed_by, Some(Cause::Record));
    chain.decide_target(&hashed(target), RecordType::A, allowed_by, &mut ()).verdict
}

#[test]
fn a_local_record_allows_what_it_leads_to_against_every_list_and_no_rule() {
    for list in ["||track.test^", "||track.test^$important", "||track.test^$dnstype=A"] {
        let policed = with_lists(&[(BLOCK, list)], vec![]);
        assert_eq!(behind_record(&policed, "x.track.test"), Verdict::Allow(Cause::Record));
        assert!(!is_allowed(&policed, &["www.test", "x.track.test"]));
    }
    let policed = with_lists(&[TRACK], vec![block(&["x.track.test"])]);
    assert_eq!(behind_record(&policed, "x.track.test"), blocked_by(0));
    let policed = with_lists(&[TRACK], vec![decision(block(&["x.track.test"]))]);
    assert_eq!(behind_record(&policed, "x.track.test"), blocked_by(0));
    // An exception on the way is weaker than the record, and takes nothing from it.
    let (lists, policy) = with_lists(&[(BLOCK, "@@||goto.test^")], vec![]);
    let exception = behind_record(&(lists, policy), "goto.test");
    assert!(matches!(exception, Verdict::Allow(Cause::List(_))));
    assert_eq!(allowed_by_now(Some(Cause::Record), exception), Some(Cause::Record));
}

#[test]
fn a_default_and_a_pause_allow_no_other_name() {
    assert_eq!(allowed_by_now(None, ALLOWED_BY_DEFAULT), None);
    assert_eq!(allowed_by_now(None, Verdict::Allow(Cause::Pause)), None);
    assert!(!is_allowed(&with_lists(&[TRACK], vec![]), &["www.test", "x.track.test"]));
}

#[test]
fn an_allowed_name_blocked_for_another_type_only_has_no_data() {
    let rules = vec![RuleDocument { types: vec![1], ..allow(&["goto.shop.test"]) }];
    let (lists, mut policy) = with_lists(&[TRACK], rules);
    policy.list_answer = BlockAnswer::Nxdomain;
    let question = hashed("goto.shop.test");
    let mut chain = AliasChain::new(&lists, &policy, &question, ANYTIME);
    chain.push(hashed("x.track.test"));
    assert!(chain.allows(RecordType::A, None) && !chain.allows(RecordType::AAAA, None));
    let answer = chain.answer(Cause::Default, BlockAnswer::Nxdomain, RecordType::AAAA);
    assert_eq!(answer, BlockAnswer::NoData);
}
