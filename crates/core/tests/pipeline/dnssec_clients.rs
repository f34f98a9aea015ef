//! DNSSEC validation: what clients get.

use keyhole_core::pipeline::Progress;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{Reply, query};
use super::signer::{A, DNSKEY, Message, RRSIG, Set, Zone, name};
use super::world::{World, begin, options, send, world_with};

const ADDRESS: &[u8] = &[198, 18, 0, 1];
const DAY: i64 = 86_400;

/// A world whose upstreams are validated by an anchor for `signed.example`, with its records.
async fn pipeline(mode: &str) -> (World, Zone) {
    pipeline_with(&options(), mode).await
}

async fn pipeline_with(options: &Value, mode: &str) -> (World, Zone) {
    let zone = Zone::new("signed.example");
    let world = world_with(options, |document| {
        document["upstream_sets"][0]["validation"] =
            json!({"mode": mode, "anchors": [zone.anchor()], "exempt": []});
    })
    .await;
    let keys = Message::new(0, &name("signed.example"), DNSKEY, 0).answer(&zone.keys()).finish();
    world.upstream.says(keys);
    (world, zone)
}

/// What an upstream says, which claims to have checked it (AD).
fn says(world: &World, owner: &str, set: &Set) {
    let mut message = Message::new(0, &name(owner), A, 0).answer(set).finish();
    message[3] |= 0x20;
    world.upstream.says(message);
}

/// A query with DO, and CD if the client checks itself.
fn with_do(owner: &str, cd: bool) -> Vec<u8> {
    let mut octets = query(owner, A).edns(&[]).octets();
    let at = octets.len() - 4;
    octets[at] |= 0x80;
    octets[3] |= if cd { 0x10 } else { 0 };
    octets
}

async fn ask(world: &World, packet: &[u8]) -> Reply {
    send(&world.core, packet, Transport::Udp, "127.0.0.1").await.unwrap()
}

fn is_authentic(reply: &Reply) -> bool {
    reply.octets[3] & 0x20 != 0
}

fn is_signed(reply: &Reply) -> bool {
    reply.records.iter().any(|record| record.kind == RRSIG)
}

#[tokio::test]
async fn clients_learn_that_an_answer_was_validated_if_they_ask_for_it() {
    let (world, zone) = pipeline("on").await;
    let owner = "www.signed.example";
    says(&world, owner, &zone.signed_as(owner, A, &[ADDRESS], (-DAY, 100), None));
    // From upstream, and out of the cache.
    for _ in 0..2 {
        let reply = ask(&world, &with_do(owner, false)).await;
        assert!(is_authentic(&reply) && is_signed(&reply));
        let ttls = reply.records.iter().filter(|record| record.kind != 41).map(|one| one.ttl);
        assert!(ttls.max().unwrap() <= 100, "no longer than the signature (RFC 4035 5.3.3)");
        let mut plain = query(owner, A);
        let reply = world.ask(&plain).await;
        assert!(!is_authentic(&reply) && !is_signed(&reply) && reply.rcode() == 0);
        plain.flags |= 0x20;
        let reply = world.ask(&plain).await;
        assert!(is_authentic(&reply) && !is_signed(&reply), "AD in a query (RFC 6840 5.7)");
    }
    let elsewhere = "www.elsewhere.example";
    says(
        &world,
        elsewhere,
        &Set { signatures: Vec::new(), ..zone.signed(elsewhere, A, &[ADDRESS]) },
    );
    let reply = ask(&world, &with_do(elsewhere, false)).await;
    assert!(reply.rcode() == 0 && !is_authentic(&reply), "what upstreams say of AD is nothing");
    let totals = &world.core.stats()["totals"];
    assert_eq!((&totals["dnssec_secure"], &totals["dnssec_insecure"]), (&json!(1), &json!(1)));
    for query in world.upstream.queries() {
        let end = query.len();
        assert!(query.windows(5).any(|part| part[..3] == [0, 0, 41]) && end > 12, "with EDNS");
    }
}

#[tokio::test]
async fn what_fails_is_withheld_from_all_but_those_who_check_themselves() {
    let (world, zone) = pipeline("on").await;
    let owner = "www.signed.example";
    let mut forged = zone.signed(owner, A, &[ADDRESS]);
    forged.data = vec![vec![192, 0, 2, 66]];
    says(&world, owner, &forged);
    for _ in 0..2 {
        let reply = ask(&world, &with_do(owner, false)).await;
        assert_eq!(reply.rcode(), 2);
        let error = [0, 15, 0, 14, 0, 6].iter().chain(b"dnssec_bogus").copied();
        let error: Vec<u8> = error.collect();
        let has = |part: &[u8]| reply.octets.windows(part.len()).any(|window| window == part);
        assert!(has(&error), "EDE 6 each time: {:02x?}", reply.octets);
        let reply = ask(&world, &with_do(owner, true)).await;
        assert!(reply.rcode() == 0 && is_signed(&reply), "CD (RFC 4035 section 3.2.2)");
        assert!(!is_authentic(&reply), "nobody vouches for it");
    }
    assert_eq!(world.count("dnssec_bogus"), 2);
    assert_eq!(world.core.stats()["totals"]["dnssec_bogus"], 1, "it is remembered");
}

#[tokio::test]
async fn what_was_validated_serves_while_keys_do_not_come_but_never_in_place_of_a_forgery() {
    let mut options = options();
    options["cache"]["max_ttl"] = 1.into();
    let (world, zone) = pipeline_with(&options, "on").await;
    // Of the first one the upstream does not say whether it is a zone of its own.
    let (silent, forged) = ("servfail.signed.example", "www.signed.example");
    for owner in [silent, forged] {
        says(&world, owner, &zone.signed(owner, A, &[ADDRESS]));
        assert_eq!(ask(&world, &with_do(owner, false)).await.rcode(), 0);
    }
    says(&world, silent, &Set { signatures: vec![], ..zone.signed(silent, A, &[ADDRESS]) });
    says(
        &world,
        forged,
        &Set { data: vec![vec![192, 0, 2, 66]], ..zone.signed(forged, A, &[ADDRESS]) },
    );
    for owner in [silent, forged] {
        let packet = with_do(owner, false);
        let asked = || begin(&world.core, &packet, Transport::Udp, "127.0.0.1").0;
        while let Progress::Replied(_) = asked() {
            tokio::task::yield_now().await;
        }
    }
    let reply = ask(&world, &with_do(silent, false)).await;
    assert_eq!((reply.rcode(), reply.extended_error()), (0, Some((3, "stale"))));
    assert_eq!(reply.of(A)[0].data, ADDRESS);
    assert_eq!(world.core.stats()["totals"]["dnssec_indeterminate"], 1);
    let reply = ask(&world, &with_do(forged, false)).await;
    assert_eq!((reply.rcode(), reply.word()), (2, Some("dnssec_bogus")));
    assert!(reply.of(A).is_empty());
}

#[tokio::test]
async fn what_is_only_logged_changes_no_answer() {
    let (world, zone) = pipeline("log").await;
    let owner = "www.signed.example";
    let mut forged = zone.signed(owner, A, &[ADDRESS]);
    forged.data = vec![vec![192, 0, 2, 66]];
    says(&world, owner, &forged);
    let reply = ask(&world, &with_do(owner, false)).await;
    assert!(reply.rcode() == 0 && is_authentic(&reply), "as the upstream said");
    assert_eq!(world.core.stats()["totals"]["dnssec_bogus"], 1);
}

#[tokio::test]
async fn without_anchors_nobody_vouches_for_an_answer() {
    let zone = Zone::new("signed.example");
    let world = world_with(&options(), |document| {
        document["upstream_sets"][0]["validation"] =
            json!({"mode": "on", "anchors": [], "exempt": []});
    })
    .await;
    let owner = "www.signed.example";
    says(&world, owner, &zone.signed(owner, A, &[ADDRESS]));
    for cd in [false, true, false] {
        let reply = ask(&world, &with_do(owner, cd)).await;
        assert!(
            reply.rcode() == 0 && !is_authentic(&reply),
            "AD of the upstream counts for nothing"
        );
    }
    assert_eq!(world.core.stats()["totals"]["dnssec_insecure"], 1);
}
