//! Forwarding by name: who is asked for what, and what each is believed about.

use std::time::Duration;

use keyhole_core::explain::explain;
use keyhole_wire::Name;
use serde_json::{Value, json};

use super::message::{A, Reply, query};
use super::upstream::Upstream;
use super::world::{World, options, world_with};

const PTR: u16 = 12;
const CNAME: u16 = 5;
const DS: u16 = 43;
const DNAME: u16 = 39;

/// `corp.example`, `lan` and a reverse zone are asked of an upstream of their own, and
/// `eu.corp.example` of a third one.
struct Split {
    world: World,
    corp: Upstream,
    eu: Upstream,
}

async fn split() -> Split {
    let (corp, eu) = (Upstream::run().await, Upstream::run().await);
    let mut logging = options();
    logging["events"] = json!(100);
    let world = world_with(&logging, |document| {
        for (index, (name, upstream)) in [("corp", &corp), ("eu", &eu)].into_iter().enumerate() {
            let mut other = document["upstreams"][0].clone();
            (other["name"], other["addresses"]) = (json!(name), json!([upstream.address]));
            document["upstreams"].as_array_mut().unwrap().push(other);
            let mut set = document["upstream_sets"][0].clone();
            (set["name"], set["upstreams"]) = (json!(name), json!([index + 1]));
            document["upstream_sets"].as_array_mut().unwrap().push(set);
        }
        document["policies"][0]["domains"] = json!([
            {"name": "corp.example", "upstream_set": 1},
            {"name": "eu.corp.example", "upstream_set": 2},
            {"name": "lan", "upstream_set": 1},
            {"name": "1.168.192.in-addr.arpa", "upstream_set": 1},
            {"name": "localhost", "upstream_set": 1},
        ]);
    })
    .await;
    Split { world, corp, eu }
}

impl Split {
    /// The names that each upstream was asked for since the last call: the general one, that of
    /// `corp.example`, that of `eu.corp.example`.
    fn asked(&self, before: &mut [usize; 3]) -> [Vec<String>; 3] {
        let all = [&self.world.upstream, &self.corp, &self.eu].map(|one| one.queries());
        let mut new = all.iter().zip(before).map(|(queries, before)| {
            let names = queries[*before..].iter().map(|query| {
                let end = 13 + query[12..].iter().position(|octet| *octet == 0).unwrap();
                Name::from_wire(&query[12..end]).unwrap().to_string()
            });
            *before = queries.len();
            names.collect()
        });
        [new.next().unwrap(), new.next().unwrap(), new.next().unwrap()]
    }

    fn events(&self) -> Vec<Value> {
        let octets = self.world.core.events.take(usize::MAX, Duration::ZERO).lines;
        let text = std::str::from_utf8(&octets).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Response code, aliases, and addresses of a reply, or the word of its reason.
fn said(reply: &Reply) -> (u8, usize, Vec<Vec<u8>>, Option<&str>) {
    let addresses = reply.of(A).into_iter().map(|one| one.data.clone()).collect();
    (reply.rcode(), reply.of(CNAME).len(), addresses, reply.word())
}

const PUBLIC: [u8; 4] = [198, 18, 0, 1];
const PRIVATE: [u8; 4] = [10, 0, 0, 1];

#[tokio::test]
async fn the_most_specific_domain_decides_who_is_asked_and_nobody_else_is() {
    let split = split().await;
    let mut before = [0; 3];
    for (name, kind, place) in [
        ("www.example.org", A, Some(0)),
        ("example", A, Some(0)),
        ("xcorp.example", A, Some(0)),
        ("corp.example", A, Some(1)),
        ("www.CORP.example", A, Some(1)),
        ("www.eu.corp.example", A, Some(2)),
        // A DS record belongs to the zone above (RFC 4035 section 3.1.4.1).
        ("corp.example", DS, Some(0)),
        ("eu.corp.example", DS, Some(1)),
        // Names with a special use leave where a domain names them or a part of them.
        ("nas.lan", A, Some(1)),
        ("7.1.168.192.in-addr.arpa", PTR, Some(1)),
        ("7.2.168.192.in-addr.arpa", PTR, None),
        ("nas.home.arpa", A, None),
        // This one never does (RFC 6761 section 6.3).
        ("localhost", A, None),
        // Declared here.
        ("printer.example.org", A, None),
    ] {
        split.world.ask(&query(name, kind).edns(&[])).await;
        let mut wanted: [Vec<String>; 3] = Default::default();
        if let Some(place) = place {
            wanted[place].push(Name::from_text(name).unwrap().to_lower().to_string());
        }
        assert_eq!(split.asked(&mut before), wanted, "{name} {kind}");
    }
    let upstreams = split.events().into_iter().map(|event| event["upstream"].clone());
    let upstreams: Vec<Value> = upstreams.take(6).collect();
    assert_eq!(upstreams, ["test", "test", "test", "corp", "corp", "eu"]);
}

#[tokio::test]
async fn an_upstream_that_fails_is_replaced_by_none_of_another_set() {
    let split = split().await;
    split.corp.breaks();
    let asked = split.world.proved(query("www.corp.example", A)).await;
    let reply = split.world.ask(&asked).await;
    assert_eq!(said(&reply), (2, 0, vec![], Some("upstream_unreachable")));
    assert!(split.world.upstream.queries().is_empty() && split.eu.queries().is_empty());
    // And the other way round.
    split.world.upstream.breaks();
    assert_eq!(split.world.ask(&query("www.example.org", A)).await.rcode(), 2);
    assert_eq!(split.world.ask(&query("www.eu.corp.example", A)).await.rcode(), 0);
}

#[tokio::test]
async fn each_upstream_is_believed_about_its_own_names_alone() {
    let split = split().await;
    let mut before = [0; 3];
    type Case =
        (&'static str, usize, Vec<[u8; 4]>, Option<&'static str>, [&'static [&'static str]; 3]);
    let cases: &[Case] = &[
        // Out of the domain: the target is asked of the general upstream.
        (
            "outward.corp.example",
            1,
            vec![PUBLIC],
            None,
            [&["www.example.net"], &["outward.corp.example"], &[]],
        ),
        // From one domain to another, private address and all.
        (
            "inward.eu.corp.example",
            1,
            vec![PRIVATE],
            None,
            [&[], &["private.corp.example"], &["inward.eu.corp.example"]],
        ),
        // A public name leads in, but a private address behind it stays there (DNS rebinding), also
        // by a detour.
        (
            "inward.example.org",
            0,
            vec![],
            Some("private_address"),
            [&["inward.example.org"], &[], &[]],
        ),
        (
            "backward.corp.example",
            0,
            vec![],
            Some("private_address"),
            [&["inward.example.net"], &["backward.corp.example"], &[]],
        ),
        // A record that is declared here, and a name that does not leave.
        (
            "homeward.corp.example",
            1,
            vec![[10, 0, 0, 7]],
            None,
            [&[], &["homeward.corp.example"], &[]],
        ),
        (
            "lanward.eu.corp.example",
            1,
            vec![PUBLIC],
            None,
            [&[], &["x.lan"], &["lanward.eu.corp.example"]],
        ),
        // The policy decides before anybody is asked for the target.
        (
            "cloaked.corp.example",
            0,
            vec![],
            Some("blocked_target"),
            [&[], &["cloaked.corp.example"], &[]],
        ),
        ("private.corp.example", 0, vec![PRIVATE], None, [&[], &[], &[]]),
        (
            "private.example.org",
            0,
            vec![],
            Some("private_address"),
            [&["private.example.org"], &[], &[]],
        ),
    ];
    for (name, aliases, addresses, word, wanted) in cases {
        // The second time out of the cache.
        for again in [false, true] {
            let reply = split.world.ask(&query(name, A).edns(&[])).await;
            let addresses: Vec<Vec<u8>> = addresses.iter().map(|one| one.to_vec()).collect();
            let blocks = *word == Some("blocked_target");
            let rcode = if blocks { 3 } else { 0 };
            assert_eq!(said(&reply), (rcode, *aliases, addresses, *word), "{name} {again}");
            let asked = split.asked(&mut before);
            let wanted = wanted.map(|names| if again { vec![] } else { names.to_vec() });
            assert_eq!(asked, wanted, "{name} {again}");
        }
    }
    // Whoever leads to and fro is stopped.
    let reply = split.world.ask(&query("ring.corp.example", A).edns(&[])).await;
    assert_eq!(said(&reply), (2, 0, vec![], Some("upstream_invalid")));
    // What an upstream says of a name above its domain is dropped; the general one may say it.
    for (name, dnames) in [("above.corp.example", 0), ("above.example", 1)] {
        let reply = split.world.ask(&query(name, A).edns(&[])).await;
        assert_eq!(reply.of(DNAME).len(), dnames, "{name}");
        assert_eq!(reply.of(A).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn no_answer_for_a_name_above_a_domain_hides_it() {
    let mut split = split().await;
    split.world.document["policies"][0]["domains"] = json!([
        {"name": "corp.missing.example", "upstream_set": 1},
        {"name": "corp.local", "upstream_set": 1},
    ]);
    split.world.commit();
    // NXDOMAIN of an upstream, and of a name with a special use (RFC 8020 section 2).
    for (name, rcode) in [
        ("missing.example", 0),
        ("missing.example.org", 3),
        ("local", 0),
        ("x.local", 3),
        ("missing.corp.local", 3),
        ("www.corp.local", 0),
        ("www.corp.missing.example", 0),
    ] {
        let reply = split.world.ask(&query(name, A)).await;
        assert_eq!(reply.rcode(), rcode, "{name}");
    }
}

#[tokio::test]
async fn an_explanation_names_the_domain_and_its_upstreams() {
    let split = split().await;
    let told = |name: &str| {
        let query = json!({"name": name, "type": "A", "transport": "udp"});
        let snapshot = split.world.document.to_string();
        let told = explain(snapshot.as_bytes(), query.to_string().as_bytes()).unwrap();
        let steps = told["steps"].as_array().unwrap().iter();
        let steps = steps.filter(|step| step["stage"] == "fetch" || step["stage"] == "vet");
        let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
        steps.map(|step| (text(step, "what"), text(step, "result"))).collect::<Vec<_>>()
    };
    let step = |what: &str, result: &str| (what.to_owned(), result.to_owned());
    let corp = told("www.corp.example");
    assert!(corp.contains(&step("forwarded by name", "corp.example -> corp")), "{corp:?}");
    let allowed = step("private addresses in the answer", "allowed for names of this domain");
    assert!(corp.contains(&allowed), "{corp:?}");
    assert!(told("www.example.org").contains(&step("upstreams", "are asked")));
}
