//! Compiled subjects say what the plainest reading of their document says.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// Policy and client of an identity, one line of the document after the other.
fn identity_reference(document: &SubjectsDocument, asked: &str) -> (Option<usize>, Option<String>) {
    let exact = document.identities.iter().find(|one| one.id == asked);
    let around = document.below.iter().filter(|one| asked.starts_with(&format!("{}/", one.prefix)));
    let longest = around.max_by_key(|one| one.prefix.len()).map(|one| one.policy);
    let policy = exact.and_then(|one| one.policy).or(longest);
    (policy, exact.and_then(|one| one.client.clone()))
}

/// The same of an address.
fn address_reference(
    document: &SubjectsDocument,
    asked: IpAddr,
) -> (Option<usize>, Option<String>) {
    let length = |one: &&SubjectNetworkDocument| {
        one.network.to_string().rsplit_once('/').unwrap().1.parse::<u8>().unwrap()
    };
    let around = || document.networks.iter().filter(|one| one.network.contains(asked));
    let policy = around().filter(|one| one.policy.is_some()).max_by_key(length);
    let client = around().filter(|one| one.client.is_some()).max_by_key(length);
    (policy.and_then(|one| one.policy), client.and_then(|one| one.client.clone()))
}

/// Few segments, so that paths meet often.
fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "ab"]);
    let domain = prop::sample::select(vec!["spiffe://a", "spiffe://b.test"]);
    (domain, prop::collection::vec(segment, 0..5))
        .prop_map(|(domain, segments)| [vec![domain], segments].concat().join("/"))
}

fn spiffe() -> impl Strategy<Value = String> {
    path().prop_filter("a trust domain alone is no identity", |path| path[9..].contains('/'))
}

/// Prefixes of all lengths around few addresses.
fn any_network() -> impl Strategy<Value = Network> {
    let v4 = (any::<[bool; 3]>(), 0..=32_u8).prop_map(|(bits, prefix)| {
        let address = bits_of(bits) & u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
        format!("{}/{prefix}", Ipv4Addr::from_bits(address))
    });
    let v6 = (any::<[bool; 3]>(), 0..=128_u8).prop_map(|(bits, prefix)| {
        let address = wide(bits) & u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
        format!("{}/{prefix}", std::net::Ipv6Addr::from_bits(address))
    });
    prop_oneof![v4, v6].prop_map(|text| text.parse().unwrap())
}

/// Addresses that differ early, in the middle and late.
fn bits_of([early, middle, late]: [bool; 3]) -> u32 {
    u32::from(early) << 31 | u32::from(middle) << 15 | u32::from(late) | 0x0a00_0100
}

fn wide(bits: [bool; 3]) -> u128 {
    u128::from(bits_of(bits)) << 96 | u128::from(bits_of(bits))
}

fn unique<T, K: Eq + std::hash::Hash>(all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut known = std::collections::HashSet::new();
    all.into_iter().filter(|one| known.insert(key(one))).collect()
}

fn named() -> impl Strategy<Value = (Option<String>, Option<usize>)> {
    (prop::option::of("[a-z]{3}"), prop::option::of(0..POLICIES))
}

fn any_document() -> impl Strategy<Value = SubjectsDocument> {
    let text = String::new;
    let identities = prop::collection::vec((spiffe(), named()), 0..12);
    let below = prop::collection::vec((path(), 0..POLICIES), 0..12);
    let networks = prop::collection::vec((any_network(), named()), 0..24);
    (identities, below, networks).prop_map(move |(identities, below, networks)| SubjectsDocument {
        identities: unique(identities, |(id, _)| id.clone())
            .into_iter()
            .map(|(id, (client, policy))| IdentityDocument { id, client, policy, subject: text() })
            .collect(),
        below: unique(below, |(prefix, _)| prefix.clone())
            .into_iter()
            .map(|(prefix, policy)| BelowDocument { prefix, policy, subject: text() })
            .collect(),
        networks: unique(networks, |(network, _)| *network)
            .into_iter()
            .map(|(network, (client, policy))| SubjectNetworkDocument {
                network,
                client,
                policy,
                subject: text(),
            })
            .collect(),
        ..SubjectsDocument::default()
    })
}

fn compiled(document: &SubjectsDocument) -> Subjects {
    let mut faults = Faults::default();
    let subjects = Subjects::compile(document.clone(), Some(0), POLICIES, &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    subjects
}

fn decided(subjects: &Subjects, found: SubjectMatch) -> (usize, Option<String>) {
    let client_ref = subjects.decide(found).unwrap();
    (client_ref.policy(), subjects.client(&client_ref).map(str::to_owned))
}

proptest! {
    #[test]
    fn an_identity_gets_the_policy_that_the_document_gives_it(
        document in any_document(),
        asked in prop::collection::vec(spiffe(), 1..12),
    ) {
        let subjects = compiled(&document);
        let known = document.identities.iter().map(|one| one.id.clone());
        for text in asked.into_iter().chain(known) {
            let (policy, client) = identity_reference(&document, &text);
            let expected = (policy.unwrap_or(0), client);
            prop_assert_eq!(decided(&subjects, subjects.identity(&id(&text))), expected, "{}", text);
        }
    }

    #[test]
    fn an_address_gets_the_policy_that_the_document_gives_it(
        document in any_document(),
        bits in prop::collection::vec(any::<[bool; 3]>(), 1..8),
        random in any::<(u32, u128)>(),
    ) {
        let subjects = compiled(&document);
        let edges = document.networks.iter().flat_map(|one| [one.network.first(), one.network.last()]);
        let few = bits.into_iter().flat_map(|bits| {
            [IpAddr::V4(Ipv4Addr::from_bits(bits_of(bits))), IpAddr::V6(wide(bits).into())]
        });
        let others = [IpAddr::V4(random.0.into()), IpAddr::V6(random.1.into())];
        for address in edges.chain(few).chain(others) {
            let (policy, client) = address_reference(&document, address);
            let expected = (policy.unwrap_or(0), client);
            let found = subjects.address(address);
            prop_assert_eq!(decided(&subjects, found), expected, "{}", address);
        }
    }
}
