//! A block of some record types leaves the others alone: no answer denies the whole name
//! (RFC 2308 section 5, RFC 8020 section 2).

use super::lists::with_lists;
use super::*;
use crate::document::ListKind;

const AAAA: u16 = 28;

/// How a question is answered here; none where it may be asked.
fn answer((lists, policy): &(ListTable, Policy), name: &str, kind: RecordType) -> String {
    match decide(lists, policy, &hashed(name), kind, ANYTIME, &mut ()).verdict {
        Verdict::Allow(_) => "allowed".to_owned(),
        Verdict::Block(_, answer) => format!("{answer:?}").to_lowercase(),
    }
}

/// The answers for A, AAAA and a type that nothing names.
fn answers(policed: &(ListTable, Policy), name: &str) -> [String; 3] {
    [RecordType::A, RecordType::AAAA, RecordType::MX].map(|kind| answer(policed, name, kind))
}

fn typed(rule: RuleDocument, types: &[u16]) -> RuleDocument {
    RuleDocument { types: types.to_vec(), ..rule }
}

#[test]
fn a_rule_for_some_types_never_says_that_the_name_does_not_exist() {
    let rules = vec![typed(block(&["a.test"]), &[AAAA]), typed(block(&["/^b/"]), &[1, AAAA])];
    let policed = (no_lists(), policy(rules));
    assert_eq!(answers(&policed, "a.test"), ["allowed", "nodata", "allowed"]);
    assert_eq!(answers(&policed, "b.test"), ["nodata", "nodata", "allowed"]);
}

#[test]
fn a_rule_for_some_types_that_refuses_was_written_so() {
    let rule = RuleDocument { answer: AnswerDocument::Refused, ..block(&["a.test"]) };
    let policed = (no_lists(), policy(vec![typed(rule, &[AAAA])]));
    assert_eq!(answers(&policed, "a.test"), ["allowed", "refused", "allowed"]);
}

#[test]
fn an_entry_of_a_list_for_some_types_has_no_data_whatever_lists_answer() {
    let text = "||a.test^$dnstype=AAAA\n||b.test^$dnstype=~A\n||c.test^";
    for list_answer in [BlockAnswer::Nxdomain, BlockAnswer::Refused, BlockAnswer::Null] {
        let (lists, mut policy) = with_lists(&[(ListKind::Block, text)], vec![]);
        policy.list_answer = list_answer;
        let policed = (lists, policy);
        let whole = format!("{list_answer:?}").to_lowercase();
        assert_eq!(answers(&policed, "x.a.test"), ["allowed", "nodata", "allowed"]);
        assert_eq!(answers(&policed, "b.test"), ["allowed", "nodata", "nodata"]);
        assert_eq!(answers(&policed, "c.test"), [&*whole, &*whole, &*whole]);
    }
}

#[test]
fn a_block_of_the_whole_name_spares_the_types_that_an_exception_or_rule_allows() {
    let text = "||a.test^\n@@||a.test^$dnstype=A\n||b.test^\n||c.test^";
    let rules = vec![typed(allow(&["b.test"]), &[1]), typed(allow(&["d.test"]), &[1])];
    let (lists, mut policy) = with_lists(&[(ListKind::Block, text)], rules);
    policy.list_answer = BlockAnswer::Nxdomain;
    policy.default = DefaultDocument::Deny;
    let policed = (lists, policy);
    for name in ["a.test", "b.test", "d.test"] {
        assert_eq!(answers(&policed, name), ["allowed", "nodata", "nodata"], "{name}");
    }
    assert_eq!(answers(&policed, "c.test"), ["nxdomain", "nxdomain", "nxdomain"]);
    assert_eq!(answers(&policed, "e.test"), ["refused", "refused", "refused"]);
}

#[test]
fn a_name_of_which_every_type_is_blocked_does_not_exist() {
    let rules = vec![typed(block(&["a.test"]), &[AAAA]), block(&["a.test"])];
    let policed = (no_lists(), policy(rules));
    assert_eq!(answers(&policed, "a.test"), ["nxdomain", "nxdomain", "nxdomain"]);
}

#[test]
fn a_pattern_for_some_types_is_a_block_of_some_types() {
    let text = "/^ad[0-9]+\\./$dnstype=AAAA";
    let (lists, mut policy) = with_lists(&[(ListKind::Block, text)], vec![]);
    policy.list_answer = BlockAnswer::Nxdomain;
    assert_eq!(answers(&(lists, policy), "ad7.test"), ["allowed", "nodata", "allowed"]);
}
