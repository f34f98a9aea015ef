//! What is wrong with subjects is told with its place.

use super::*;
use crate::Error;

/// The faults of a document, one `path: why` for each.
fn faults(parts: Value, default: Option<usize>) -> Vec<String> {
    let (_, faults) = read(parts, default);
    match faults.into_result("snapshot", ()) {
        Ok(()) => Vec::new(),
        Err(Error::Invalid { path, why }) if path == "snapshot" => {
            why.lines().skip(1).map(str::to_owned).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn an_index_of_a_policy_that_is_not_there_is_a_fault_wherever_it_stands() {
    let parts = json!({
        "identities": [identity("spiffe://a.test/x", Some(10))],
        "below": [below("spiffe://a.test", 11)],
        "tokens": [token("tv", 'a', Some(12))],
        "networks": [network("10.0.0.0/8", None, Some(13))],
        "expired": 14,
    });
    let said = faults(parts, Some(15));
    for expected in [
        "snapshot.subjects.expired: policy 14 of only 10 (expired)",
        "snapshot.default_policy: policy 15 of only 10 (default)",
        "snapshot.subjects.below[0].policy: policy 11 of only 10 (spiffe://a.test/*)",
        "snapshot.subjects.identities[0].policy: policy 10 of only 10 (spiffe://a.test/x)",
        "snapshot.subjects.tokens[0].policy: policy 12 of only 10 (token:tv)",
        "snapshot.subjects.networks[0].policy: policy 13 of only 10 (cidr:10.0.0.0/8)",
    ] {
        assert!(said.contains(&expected.to_owned()), "{expected} is not in {said:#?}");
    }
    assert_eq!(said.len(), 6);
}

#[test]
fn a_subject_that_is_given_twice_is_a_fault() {
    let parts = json!({
        "identities": [
            identity("spiffe://a.test/x", Some(1)),
            identity("spiffe://a.test/x", None),
        ],
        "below": [below("spiffe://a.test/ns", 1), below("spiffe://a.test/ns", 1)],
        "tokens": [token("tv", 'a', None), token("radio", 'a', None), token("tv", 'b', None)],
        "networks": [network("::/0", None, Some(1)), network("::/0", Some("all"), None)],
    });
    let said = faults(parts, None);
    for place in [
        "snapshot.subjects.identities[1].id: spiffe://a.test/x is given twice",
        "snapshot.subjects.below[1].prefix: spiffe://a.test/ns is given twice",
        "snapshot.subjects.tokens[1].sha256: the token radio is given twice",
        "snapshot.subjects.tokens[2].name: the token tv is given twice",
        "snapshot.subjects.networks[1].network: ::/0 is given twice",
    ] {
        assert!(said.iter().any(|fault| fault.starts_with(place)), "{place} is not in {said:#?}");
    }
    assert_eq!(said.len(), 5);
}

#[test]
fn what_is_no_identity_token_or_network_is_a_fault() {
    let mut short = token("tv", 'a', None);
    short["sha256"] = json!("abc");
    let parts = json!({
        "identities": [identity("spiffe://a.test/ns/*", Some(1)), identity("a.test/x", None)],
        "below": [below("spiffe://a.test/ns/", 1), below("spiffe://", 1), below("", 1)],
        "tokens": [short, token("upper", 'A', None)],
        "networks": [network("::ffff:10.0.0.0/104", None, Some(1))],
    });
    let said = faults(parts, None);
    for place in [
        "snapshot.subjects.identities[0].id: ",
        "snapshot.subjects.identities[1].id: ",
        "snapshot.subjects.below[0].prefix: ",
        "snapshot.subjects.below[1].prefix: ",
        "snapshot.subjects.below[2].prefix: ",
        "snapshot.subjects.tokens[0].sha256: ",
        "snapshot.subjects.tokens[1].sha256: ",
        "snapshot.subjects.networks[0].network: ",
    ] {
        assert!(said.iter().any(|fault| fault.starts_with(place)), "{place} is not in {said:#?}");
    }
    assert_eq!(said.len(), 8);
}
