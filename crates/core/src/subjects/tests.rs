//! What subjects promise.

mod against_reference;
mod faults;

use serde_json::{Value, json};

use super::*;
use crate::document::{BelowDocument, IdentityDocument, SubjectNetworkDocument, SubjectsDocument};
use crate::faults::Faults;
use crate::network::Network;

/// Policies that the tests may name.
const POLICIES: usize = 10;

fn id(text: &str) -> SpiffeId {
    SpiffeId::read(text).unwrap()
}

fn identity(id: &str, policy: Option<usize>) -> Value {
    let client = policy.is_none().then(|| format!("client {id}"));
    json!({"id": id, "client": client, "policy": policy, "subject": id})
}

fn below(prefix: &str, policy: usize) -> Value {
    json!({"prefix": prefix, "policy": policy, "subject": format!("{prefix}/*")})
}

fn network(network: &str, client: Option<&str>, policy: Option<usize>) -> Value {
    let subject = format!("cidr:{network}");
    json!({"network": network, "client": client, "policy": policy, "subject": subject})
}

fn token(name: &str, digit: char, policy: Option<usize>) -> Value {
    let sha256 = digit.to_string().repeat(64);
    let subject = format!("token:{name}");
    json!({"name": name, "sha256": sha256, "client": null, "policy": policy, "subject": subject})
}

/// Subjects of a document with these parts.
fn read(parts: Value, default: Option<usize>) -> (Subjects, Faults) {
    let mut document =
        json!({"identities": [], "below": [], "tokens": [], "networks": [], "expired": null});
    for (part, value) in parts.as_object().unwrap() {
        document[part] = value.clone();
    }
    let mut faults = Faults::default();
    let document = serde_json::from_value(document).unwrap();
    (Subjects::compile(document, default, POLICIES, &mut faults), faults)
}

fn subjects(parts: Value, default: Option<usize>) -> Subjects {
    let (subjects, faults) = read(parts, default);
    assert!(faults.is_empty(), "{faults:?}");
    subjects
}

/// Policy and subject for what was found.
fn said(subjects: &Subjects, found: SubjectMatch) -> Option<(usize, &str)> {
    let client_ref = subjects.decide(found)?;
    Some((client_ref.policy(), subjects.subject(&client_ref)))
}

fn of_identity<'s>(subjects: &'s Subjects, text: &str) -> Option<(usize, &'s str)> {
    said(subjects, subjects.identity(&id(text)))
}

fn of_address<'s>(subjects: &'s Subjects, text: &str) -> Option<(usize, &'s str)> {
    said(subjects, subjects.address(text.parse().unwrap()))
}

#[test]
fn the_most_specific_subject_speaks_for_an_identity() {
    let parts = json!({
        "identities": [identity("spiffe://a.test/ns/shop/sa/web", Some(1))],
        "below": [below("spiffe://a.test/ns/shop", 2), below("spiffe://a.test", 3)],
    });
    let subjects = subjects(parts, Some(4));
    for (asked, expected) in [
        ("spiffe://a.test/ns/shop/sa/web", (1, "spiffe://a.test/ns/shop/sa/web")),
        ("spiffe://a.test/ns/shop/sa/web/x", (2, "spiffe://a.test/ns/shop/*")),
        ("spiffe://a.test/ns/shop/x", (2, "spiffe://a.test/ns/shop/*")),
        // A path lies not below itself, and not below what only begins with the same letters.
        ("spiffe://a.test/ns/shop", (3, "spiffe://a.test/*")),
        ("spiffe://a.test/ns/shopping/sa/web", (3, "spiffe://a.test/*")),
        ("spiffe://a.test/x", (3, "spiffe://a.test/*")),
        ("spiffe://a.tester/ns/shop/sa/web", (4, "default")),
        ("spiffe://b.test/ns/shop/sa/web", (4, "default")),
    ] {
        assert_eq!(of_identity(&subjects, asked), Some(expected), "{asked}");
    }
}

#[test]
fn without_a_default_policy_nobody_speaks_for_a_stranger() {
    let subjects = subjects(json!({"below": [below("spiffe://a.test/ns", 2)]}), None);
    assert_eq!(of_identity(&subjects, "spiffe://b.test/ns/x"), None);
    assert_eq!(of_identity(&subjects, "spiffe://a.test/ns/x"), Some((2, "spiffe://a.test/ns/*")));
    assert_eq!(of_address(&subjects, "192.0.2.1"), None);
}

#[test]
fn an_identity_that_is_only_named_is_left_to_the_path_above_it() {
    let (inside, outside) = ("spiffe://a.test/ns/x", "spiffe://a.test/other/x");
    let parts = json!({
        "identities": [identity(inside, None), identity(outside, None)],
        "below": [below("spiffe://a.test/ns", 2)],
    });
    let subjects = subjects(parts, Some(0));
    for (text, policy) in [(inside, 2), (outside, 0)] {
        let client_ref = subjects.decide(subjects.identity(&id(text))).unwrap();
        assert_eq!(client_ref.policy(), policy);
        assert_eq!(subjects.client(&client_ref), Some(&*format!("client {text}")));
    }
}

#[test]
fn an_expired_certificate_has_a_policy_of_its_own_or_none() {
    let web = "spiffe://a.test/web";
    let parts = json!({"identities": [identity(web, Some(1))], "expired": 7});
    let with = subjects(parts, Some(4));
    let client_ref = with.decide_expired(with.identity(&id(web))).unwrap();
    assert_eq!((client_ref.policy(), with.subject(&client_ref)), (7, "expired"));
    let without = subjects(json!({"identities": [identity(web, Some(1))]}), Some(4));
    assert_eq!(without.decide_expired(without.identity(&id(web))), None);
}

#[test]
fn a_token_has_its_policy_or_the_default_one_and_a_name() {
    let parts = json!({"tokens": [token("tv", 'a', Some(2)), token("radio", '0', None)]});
    let subjects = subjects(parts, Some(4));
    for (digest, name, expected) in
        [([0xaa; 32], "tv", (2, "token:tv")), ([0; 32], "radio", (4, "default"))]
    {
        let found = subjects.token(&digest).unwrap();
        assert_eq!(said(&subjects, found), Some(expected));
        assert_eq!(subjects.token_name(&digest), Some(name));
        assert_eq!(subjects.digest(name), Some(digest));
    }
    assert_eq!(subjects.token(&[0xbb; 32]), None);
    assert_eq!(subjects.digest("phone"), None);
}

#[test]
fn the_longest_network_speaks_for_an_address() {
    let parts = json!({"networks": [
        network("0.0.0.0/0", None, Some(1)),
        network("10.0.0.0/8", None, Some(2)),
        network("10.1.0.0/16", None, Some(3)),
        network("10.1.0.0/24", None, Some(4)),
        network("10.1.0.255/32", None, Some(5)),
        network("255.255.255.255/32", None, Some(6)),
        network("2001:db8::/32", None, Some(7)),
        network("2001:db8::1/128", None, Some(8)),
    ]});
    let subjects = subjects(parts, Some(0));
    for (address, policy) in [
        ("9.255.255.255", 1),
        ("10.0.0.0", 2),
        ("10.0.255.255", 2),
        ("10.1.0.0", 4),
        ("10.1.0.254", 4),
        ("10.1.0.255", 5),
        ("10.1.1.0", 3),
        ("10.2.0.0", 2),
        ("11.0.0.0", 1),
        ("::ffff:10.1.0.9", 4),
        ("255.255.255.254", 1),
        ("255.255.255.255", 6),
        ("2001:db8::", 7),
        ("2001:db8::1", 8),
        ("2001:db8::2", 7),
        ("2001:db9::", 0),
        ("::", 0),
    ] {
        assert_eq!(of_address(&subjects, address).unwrap().0, policy, "{address}");
    }
}

#[test]
fn a_network_that_only_names_its_clients_is_left_to_the_one_around_it() {
    let parts = json!({"networks": [
        network("10.0.0.0/8", None, Some(2)),
        network("10.0.0.0/24", Some("floor"), None),
        network("10.0.0.7/32", Some("printer"), None),
        network("10.0.0.8/32", None, Some(3)),
        network("192.0.2.0/24", Some("guests"), None),
    ]});
    let subjects = subjects(parts, Some(0));
    for (address, policy, client) in [
        ("10.0.0.7", 2, Some("printer")),
        ("10.0.0.8", 3, Some("floor")),
        ("10.0.0.9", 2, Some("floor")),
        ("10.0.1.9", 2, None),
        ("192.0.2.1", 0, Some("guests")),
    ] {
        let client_ref = subjects.decide(subjects.address(address.parse().unwrap())).unwrap();
        assert_eq!(
            (client_ref.policy(), subjects.client(&client_ref)),
            (policy, client),
            "{address}"
        );
    }
}

#[test]
fn a_path_of_a_thousand_segments_lies_below_a_short_one() {
    let subjects = subjects(json!({"below": [below("spiffe://a.test/a/a", 2)]}), Some(0));
    let deep = format!("spiffe://a.test{}", "/a".repeat(1_000));
    assert_eq!(of_identity(&subjects, &deep), Some((2, "spiffe://a.test/a/a/*")));
    let other = format!("spiffe://a.test{}", "/b".repeat(1_000));
    assert_eq!(of_identity(&subjects, &other), Some((0, "default")));
}
