//! The closed table: each reason is one that a query can end for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use keyhole_core::Reason;
use keyhole_core::client_identity::{ClientIdentity, Credential};
use keyhole_core::pipeline::Progress;
use keyhole_core::reason::Stage;
use keyhole_core::transport::Transport;
use keyhole_lists as lists;
use serde_json::{Value, json};

use super::identity::{certificate, expired_certificate, shown};
use super::message::{A, query};
use super::signer::{DNSKEY, DS, Message, Set, Zone, name};
use super::upstream::Upstream;
use super::world::{World, begin, core, document, options, send, world_with};

/// What is tested where it can be brought about: with TLS, and with a panic.
const ELSEWHERE: [Reason; 3] =
    [Reason::UpstreamUntrusted, Reason::InternalError, Reason::IdentityUntrusted];

fn reached(stats: &Value) -> BTreeSet<String> {
    stats["queries"]["udp"].as_object().unwrap().keys().cloned().collect()
}

/// A compiled file with one block list of one name.
pub fn list_file(test: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).unwrap();
    let (text, output) = (folder.join("list.txt"), folder.join("list.khl"));
    std::fs::write(&text, "listed.example\n").unwrap();
    let request = json!({
        "version": 1, "output": output, "protected": [],
        "lists": [{"name": "test", "files": [{"path": text, "format": "domains"}]}],
    });
    let report = lists::compile(request.to_string().as_bytes()).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    json!({"path": output, "sha256": report["sha256"]})
}

/// An upstream that answers: everything that policy and client decide.
async fn answering() -> World {
    let mut options = options();
    options["limits"]["waiting"] = 1.into();
    world_with(&options, |document| {
        document["list_file"] = list_file("reasons");
        document["lists"] = json!([{"name": "test", "kind": "block"}]);
        document["policies"][0]["lists"] = json!([0]);
    })
    .await
}

async fn ask_all_that_is_decided_here(world: &mut World) {
    let mut packets = Vec::new();
    for (name, kind) in [
        ("www.example.org", A),
        ("www.example.org", A),
        ("printer.example.org", A),
        ("localhost", A),
        ("x.ads.example", A),
        ("listed.example", A),
        ("cloaked.example.org", A),
        ("private.example.org", A),
        ("www.example.org", 252),
        ("www.example.org", 255),
        ("www.example.org", 10),
        ("servfail.example.org", A),
        ("servfail.example.org", A),
    ] {
        packets.push(query(name, kind).octets());
    }
    let (mut chaos, mut update, mut response) =
        (query("a.example", A), query("b.example", A), query("c.example", A));
    (chaos.class, update.flags, response.flags) = (3, 5 << 11, 0x8000);
    let mut version = query("d.example", A);
    version.edns = Some((1, Vec::new()));
    let mut alone = query("unknown.example.org", A);
    alone.flags = 0;
    packets.extend([chaos, update, response, version, alone].map(|query| query.octets()));
    packets.push(query("e.example", A).octets()[..20].to_vec());
    // No question, one OPT record, one cookie in it.
    packets.push(
        b"\x12\x34\x01\0\0\0\0\0\0\0\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x0812345678"
            .to_vec(),
    );
    for packet in packets {
        send(&world.core, &packet, Transport::Udp, "127.0.0.1").await;
    }
    let packet = query("www.example.org", A).octets();
    send(&world.core, &packet, Transport::Udp, "192.0.2.1").await;
    let silent = query("silent.example.org", A).octets();
    let (waiting, _) = begin(&world.core, &silent, Transport::Udp, "127.0.0.1");
    assert!(matches!(waiting, Progress::Waiting(_)));
    world.ask(&query("full.example.org", A)).await;
    drop(waiting);
    world.document["policies"][0]["default"] = json!("deny");
    world.commit();
    world.ask(&query("www.example.org", A)).await;
    for reason in callers_that_are_refused(world) {
        world.ask_as(&reason, &query("www.example.org", A), Transport::Udp).await;
    }
    world.document["default_policy"] = Value::Null;
    world.commit();
    world.ask(&query("www.example.org", A)).await;
}

/// One client for each reason of `identify` but the lack of a policy.
fn callers_that_are_refused(world: &mut World) -> Vec<ClientIdentity> {
    world.document["trust"]["revoked"]["identities"] = json!(["spiffe://example.org/gone"]);
    world.commit();
    vec![
        ClientIdentity::NOBODY,
        shown(Credential::Unreadable),
        shown(Credential::Token([7; 32])),
        shown(certificate("spiffe://example.org/gone")),
        shown(expired_certificate("spiffe://example.org/web")),
    ]
}

/// Upstreams that fail, with short timeouts; what expired serves until its own end.
async fn failing() -> BTreeSet<String> {
    let mut reasons = BTreeSet::new();
    for name in ["silent.example.org", "garbage.example.org"] {
        let world = world_with(&options(), |document| {
            document["upstream_sets"][0]["hedge_ms"] = json!(40);
            document["upstream_sets"][0]["timeout_ms"] = json!(50);
        })
        .await;
        world.ask(&query(name, A)).await;
        reasons.extend(reached(&world.core.stats()));
    }
    let closed = core(&options());
    let gone = Upstream::run().await;
    let mut document = document(gone.address);
    document["upstreams"][0]["addresses"] = json!(["127.0.0.1:1"]);
    closed.commit(closed.prepare(document.to_string().as_bytes()).unwrap());
    send(&closed, &query("a.example", A).octets(), Transport::Udp, "127.0.0.1").await;
    reasons.extend(reached(&closed.stats()));
    reasons
}

async fn stale() -> BTreeSet<String> {
    let world = world_with(&options(), |_| {}).await;
    let asked = query("brief.example.org", A);
    world.ask(&asked).await;
    world.upstream.breaks();
    let packet = asked.octets();
    while let (Progress::Replied(_), _) = begin(&world.core, &packet, Transport::Udp, "127.0.0.1") {
        tokio::task::yield_now().await;
    }
    world.ask(&asked).await;
    reached(&world.core.stats())
}

/// A budget that is nearly and then quite used up, that of all clients together, and a client that asks
/// for domains that do not exist.
async fn tunneling() -> BTreeSet<String> {
    let world = world_with(&options(), |document| {
        document["policies"][0]["tunneling"] = json!({
            "mode": "enforce", "alert": 32, "throttle": 64, "block": 128, "day": 256, "exempt": [],
            "split": {"mode": "enforce", "octets": 16},
        });
        document["policies"][0]["missing_domains"] = json!("enforce");
    })
    .await;
    for octets in [62, 20, 10, 60] {
        world.ask(&query(&format!("{octets:0octets$}.evil.example"), A)).await;
    }
    for client in 2..12 {
        let packet = query(&format!("{client:060}.split.example"), A).octets();
        send(&world.core, &packet, Transport::Tcp, &format!("127.0.0.{client}")).await;
    }
    for number in 0..60 {
        let packet = query(&format!("unregistered.x{number}.com"), A).octets();
        send(&world.core, &packet, Transport::Tcp, "127.0.0.20").await;
    }
    // Only those count for everybody, and are held back, who have proved their address.
    let stats = world.core.stats();
    let over_tcp = stats["queries"]["tcp"].as_object().unwrap().keys().cloned();
    reached(&stats).into_iter().chain(over_tcp).collect()
}

/// Answers of a signed zone, each with another fault.
async fn validated() -> BTreeSet<String> {
    let (zone, silent) = (Zone::new("signed.example"), Zone::new("servfail.example"));
    let world = world_with(&options(), |document| {
        document["upstream_sets"][0]["validation"] =
            json!({"mode": "on", "anchors": [zone.anchor(), silent.anchor()], "exempt": []});
    })
    .await;
    let say = |owner: &str, kind: u16, sets: &[Set], authority: &[Set]| {
        let message = Message::new(0, &name(owner), kind, 0);
        let message = sets.iter().fold(message, |message, set| message.answer(set));
        let message = authority.iter().fold(message, |message, set| message.authority(set));
        world.upstream.says(message.finish());
    };
    let day = 86_400;
    let signed = |owner: &str, window| zone.signed_as(owner, A, &[&[198, 18, 0, 1]], window, None);
    let owner = |label: &str| format!("{label}.signed.example");
    // Nobody gives the keys of the one zone; those of the other come later.
    let unknown = silent.signed("www.servfail.example", A, &[&[198, 18, 0, 1]]);
    say("www.servfail.example", A, &[unknown], &[]);
    world.ask(&query("www.servfail.example", A)).await;
    say("signed.example", DNSKEY, &[], &[zone.soa()]);
    say(&owner("early"), A, &[signed(&owner("early"), (-day, day))], &[]);
    world.ask(&query(&owner("early"), A)).await;
    say("signed.example", DNSKEY, &[zone.keys()], &[]);
    say(&owner("good"), A, &[signed(&owner("good"), (-day, day))], &[]);
    world.ask(&query(&owner("good"), A)).await;
    assert_eq!(world.core.stats()["totals"]["dnssec_secure"], 1, "keys are asked for anew");
    let mut bogus = signed(&owner("bogus"), (-day, day));
    bogus.data = vec![vec![192, 0, 2, 66]];
    let mut many = signed(&owner("many"), (-day, day));
    (1..=8).for_each(|from| zone.sign(&mut many, (from - day, day), None));
    let unsigned = Set { signatures: Vec::new(), ..signed(&owner("unsigned"), (-day, day)) };
    let nsec = zone.nsec(&owner("unsigned"), &owner("v"), &[A]);
    let hashed = zone.nsec3(([1; 20], [2; 20]), (0, 500), &[A]);
    say(&owner("bogus"), A, &[bogus], &[]);
    say(&owner("expired"), A, &[signed(&owner("expired"), (-2 * day, -day))], &[]);
    say(&owner("future"), A, &[signed(&owner("future"), (day, 2 * day))], &[]);
    say(&owner("unsigned"), A, &[unsigned], &[]);
    say(&owner("unsigned"), DS, &[], &[zone.soa(), nsec]);
    say(&owner("unproved"), A, &[], &[zone.soa()]);
    say(&owner("hashed"), A, &[], &[zone.soa(), hashed]);
    say(&owner("many"), A, &[many], &[]);
    for label in ["bogus", "expired", "future", "unsigned", "unproved", "hashed", "many"] {
        let reply = world.ask(&query(&owner(label), A)).await;
        assert_eq!((reply.rcode(), reply.records.len()), (2, 0), "{label}");
    }
    reached(&world.core.stats())
}

#[tokio::test]
async fn every_reason_of_the_table_is_one_that_a_query_ends_for() {
    let unready = core(&options());
    send(&unready, &query("a.example", A).octets(), Transport::Udp, "127.0.0.1").await;
    let mut reasons = reached(&unready.stats());
    let mut world = answering().await;
    ask_all_that_is_decided_here(&mut world).await;
    reasons.extend(reached(&world.core.stats()));
    reasons.extend(failing().await);
    reasons.extend(stale().await);
    reasons.extend(tunneling().await);
    reasons.extend(validated().await);
    // Before there is a query, listeners refuse connections: tested there.
    let here = Reason::ALL
        .iter()
        .filter(|reason| !ELSEWHERE.contains(reason) && reason.stage() != Stage::Receive);
    let expected: BTreeSet<String> = here.map(|reason| reason.word().to_owned()).collect();
    assert_eq!(reasons, expected);
}
