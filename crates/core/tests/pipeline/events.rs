//! Events: what became of each query, for the query log.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keyhole_core::arrival::{Arrival, Sender};
use keyhole_core::client_identity::{ClientIdentity, Credential, Svid};
use keyhole_core::pipeline::{self, Progress};
use keyhole_core::spiffe_id::SpiffeId;
use keyhole_core::state::Core;
use keyhole_core::tls_version::TlsVersion;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{A, AAAA, query};
use super::world::{World, begin, core, options, rule, send, world_with};

const ALL: usize = usize::MAX;
const TOKEN: [u8; 32] = [0xab; 32];

/// The options of an engine that writes events.
fn logging() -> Value {
    let mut options = options();
    options["events"] = json!(1_000);
    options
}

async fn world() -> World {
    world_with(&logging(), |_| {}).await
}

/// Everything that waits to be taken, without waiting.
fn taken(core: &Core) -> Vec<Value> {
    lines(&core.events.take(ALL, Duration::ZERO).lines)
}

fn lines(octets: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(octets).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks as this client and takes the event of it.
async fn told_of(world: &World, name: &str, identity: &ClientIdentity) -> Vec<Value> {
    let packet = query(name, A).octets();
    let client = SocketAddr::from(([127, 0, 0, 9], 5_353));
    let (transport, now) = (Transport::Dot, Instant::now());
    let (tls, connection) = (Some(TlsVersion::Tls13), client.ip());
    let sender = Sender { transport, tls, client, connection, identity, worker: 0, trace: None };
    let arrival = Arrival { packet: &packet, sender, now };
    let mut out = Vec::new();
    if let Progress::Waiting(pending) = pipeline::begin(&world.core, &arrival, &mut out) {
        pipeline::complete(&world.core, pending, &mut out).await.unwrap();
    }
    taken(&world.core)
}

fn shown(credential: Credential) -> ClientIdentity {
    ClientIdentity { credential, by_network: false }
}

fn certificate(id: &str) -> ClientIdentity {
    let id = SpiffeId::read(id).unwrap();
    let svid = Svid::assumed(id, false);
    shown(Credential::Certificate(Arc::new(svid)))
}

#[tokio::test]
async fn an_event_tells_who_asked_for_what_and_what_decided() {
    let mut world = world().await;
    world.document["number"] = json!(7);
    world.document["policies"][0]["rules"][0]["origin"] = json!("policy.yaml:7 Policy/base");
    world.commit();
    world.ask(&query("Deep.ADS.example", AAAA)).await;
    let [mut event] = taken(&world.core).try_into().unwrap();
    let time = event.as_object_mut().unwrap().remove("time").unwrap();
    assert_eq!(time.as_str().unwrap().len(), "2026-11-25T22:00:00.123456Z".len());
    let expected = json!({
        "transport": "udp", "client": "127.0.0.1", "identity": null, "token": null,
        "policy": "base", "name": "deep.ads.example", "type": "AAAA",
        "outcome": "blocked", "reason": "blocked_by_rule", "answer": "nxdomain",
        "rule": "policy.yaml:7 Policy/base", "list": null, "observed": null, "upstream": null,
        "duration_us": 0, "snapshot": 7,
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn a_blocked_query_is_told_with_the_answer_that_its_client_got() {
    let mut world = world().await;
    for (answer, kind, given) in [
        (json!("nxdomain"), A, "nxdomain"),
        (json!("nodata"), A, "nodata"),
        (json!("refused"), A, "refused"),
        (json!("null"), AAAA, "null"),
        (json!("null"), 65, "nodata"),
        (json!({"address": "192.0.2.1"}), A, "address"),
        (json!({"address": "192.0.2.1"}), AAAA, "nodata"),
    ] {
        world.document["policies"][0]["rules"][0]["answer"] = answer;
        world.commit();
        world.ask(&query("x.ads.example", kind)).await;
        let [event] = taken(&world.core).try_into().unwrap();
        assert_eq!(event["answer"], given, "{event}");
    }
    for name in ["private.example.org", "www.example.org", "printer.example.org"] {
        world.ask(&query(name, A)).await;
        let [event] = taken(&world.core).try_into().unwrap();
        let given = if name.starts_with("private") { json!("nodata") } else { Value::Null };
        assert_eq!((&event["answer"], &event["tls"]), (&given, &Value::Null), "{event}");
    }
    world.ask_over(&query("www.example.org", A), Transport::Doh).await;
    let [event] = taken(&world.core).try_into().unwrap();
    assert_eq!(event["tls"], "none", "it came over HTTP without TLS");
}

#[tokio::test]
async fn every_query_that_is_counted_has_an_event_with_the_same_outcome() {
    let world = world().await;
    for name in [
        "www.example.org",
        "www.example.org",
        "printer.example.org",
        "localhost",
        "x.ads.example",
        "cloaked.example.org",
        "private.example.org",
        "servfail.example.org",
        "seen.example",
    ] {
        world.ask(&query(name, A)).await;
    }
    for kind in [252, 255, 10] {
        world.ask(&query("www.example.org", kind)).await;
    }
    let packet = query("www.example.org", A).octets();
    send(&world.core, &packet, Transport::Udp, "192.0.2.1").await;
    send(&world.core, &packet[..20], Transport::Udp, "127.0.0.1").await;
    send(&world.core, &packet[..5], Transport::Udp, "127.0.0.1").await;
    let events = taken(&world.core);
    let mut counted = std::collections::BTreeMap::new();
    for event in &events {
        *counted.entry(event["reason"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        let outcome = event["outcome"].as_str().unwrap();
        assert!(["answered", "blocked", "refused", "failed", "dropped"].contains(&outcome));
    }
    assert_eq!(json!(counted), world.core.stats()["queries"]["udp"]);
    let seen: std::collections::BTreeSet<_> =
        events.iter().map(|event| event["outcome"].as_str().unwrap()).collect();
    assert_eq!(seen.len(), 4, "answered, blocked, refused, dropped: {seen:?}");
    for event in events.iter().filter(|event| event["name"].is_null()) {
        assert!(event["type"].is_null());
        assert!(["malformed", "unparseable"].contains(&event["reason"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn a_query_that_waited_is_told_with_its_upstream_and_the_time_that_it_took() {
    let world = world().await;
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let packet = query("held.example.org", A).octets();
    let (progress, mut out) = begin(&world.core, &packet, Transport::Tcp, "127.0.0.1");
    let Progress::Waiting(pending) = progress else { panic!("it has to ask") };
    let began = Instant::now();
    assert!(taken(&world.core).is_empty(), "it has not ended yet");
    let complete = pipeline::complete(&world.core, pending, &mut out);
    let release = async {
        while world.upstream.queries().is_empty() {
            tokio::task::yield_now().await;
        }
        let held = began.elapsed();
        world.upstream.release();
        held
    };
    let (sent, held) = tokio::join!(complete, release);
    assert!(sent.is_some());
    let [event] = taken(&world.core).try_into().unwrap();
    assert_eq!((&event["reason"], &event["upstream"]), (&json!("forwarded"), &json!("test")));
    let duration = Duration::from_micros(event["duration_us"].as_u64().unwrap());
    assert!(duration + Duration::from_micros(1) > held, "{event} was held for {held:?}");
    let arrived = seconds(event["time"].as_str().unwrap());
    assert!(arrived >= before.as_secs_f64() - 0.001 && arrived < before.as_secs_f64() + 20.0);
    world.ask(&query("held.example.org", A)).await;
    let [event] = taken(&world.core).try_into().unwrap();
    assert_eq!((&event["reason"], &event["upstream"]), (&json!("cached"), &json!("test")));
}

/// Seconds of Unix time of a time of this month or the next, which is all that these tests see.
fn seconds(time: &str) -> f64 {
    let number = |from: usize, to: usize| time[from..to].parse::<f64>().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let midnight = now - now % 86_400.0;
    let of_day = number(11, 13) * 3_600.0 + number(14, 16) * 60.0 + number(17, 26);
    // Midnight may have passed between the two clocks.
    let guess = midnight + of_day;
    if guess > now + 43_200.0 { guess - 86_400.0 } else { guess }
}

#[tokio::test]
async fn a_client_is_told_by_what_it_showed() {
    let world = world_with(&logging(), |document| {
        document["subjects"]["tokens"] = json!([{
            "name": "tv", "sha256": "ab".repeat(32), "client": null, "policy": 0, "subject": "token:tv",
        }]);
    })
    .await;
    let id = "spiffe://keyhole.lab/ns/shop/sa/web";
    for (client, identity, token) in [
        (ClientIdentity::NETWORK, Value::Null, Value::Null),
        (certificate(id), json!(id), Value::Null),
        (shown(Credential::Mesh(SpiffeId::read(id).unwrap())), json!(id), Value::Null),
        (shown(Credential::Token(TOKEN)), Value::Null, json!("tv")),
        (shown(Credential::Token([1; 32])), Value::Null, Value::Null),
        (shown(Credential::Unreadable), Value::Null, Value::Null),
    ] {
        let [event] = told_of(&world, "x.ads.example", &client).await.try_into().unwrap();
        assert_eq!((&event["identity"], &event["token"]), (&identity, &token));
        assert_eq!((&event["client"], &event["transport"]), (&json!("127.0.0.9"), &json!("dot")));
        assert_eq!(event["tls"], "1.3");
    }
    let longest = format!("spiffe://a/{}", "b".repeat(2_037));
    let [event] =
        told_of(&world, &"a.".repeat(127), &certificate(&longest)).await.try_into().unwrap();
    assert_eq!(event["identity"], json!(longest));
    assert_eq!(event["name"].as_str().unwrap().len(), 253);
}

#[tokio::test]
async fn an_anonymous_policy_leaves_out_the_client_and_one_without_a_log_everything() {
    let id = "spiffe://keyhole.lab/ns/shop/sa/web";
    let mut world = world().await;
    world.document["subjects"]["tokens"] = json!([{
        "name": "tv", "sha256": "ab".repeat(32), "client": null, "policy": 0, "subject": "token:tv",
    }]);
    for identity in [ClientIdentity::NETWORK, certificate(id), shown(Credential::Token(TOKEN))] {
        world.document["policies"][0]["log"] = json!("anonymous");
        world.commit();
        for name in ["x.ads.example", "www.example.org"] {
            let [event] = told_of(&world, name, &identity).await.try_into().unwrap();
            for field in ["client", "identity", "token"] {
                assert!(event[field].is_null(), "{field} of {event}");
            }
            assert_eq!((&event["name"], &event["policy"]), (&json!(name), &json!("base")));
        }
        world.document["policies"][0]["log"] = json!("none");
        world.commit();
        for name in ["x.ads.example", "fresh.example.org", "www.example.org"] {
            assert!(told_of(&world, name, &identity).await.is_empty());
        }
    }
    let counted: u64 = world.core.stats()["queries"]["dot"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(counted, 15, "what is not written down is still counted");
}

#[tokio::test]
async fn a_message_that_is_no_question_is_written_down_as_the_strictest_policy_says() {
    let mut world = world().await;
    let broken = &query("www.example.org", A).octets()[..20];
    for (level, client) in
        [("full", Some(json!("127.0.0.1"))), ("anonymous", Some(Value::Null)), ("none", None)]
    {
        world.document["policies"] =
            json!([world.document["policies"][0].clone(), world.document["policies"][0].clone()]);
        world.document["policies"][1]["log"] = json!(level);
        world.commit();
        send(&world.core, broken, Transport::Tcp, "127.0.0.1").await;
        let told: Vec<_> = taken(&world.core).iter().map(|event| event["client"].clone()).collect();
        assert_eq!(told, client.into_iter().collect::<Vec<_>>(), "{level}");
    }
    let unready = core(&logging());
    send(&unready, &query("a.example", A).octets(), Transport::Udp, "127.0.0.1").await;
    let [event] = taken(&unready).try_into().unwrap();
    assert_eq!((&event["reason"], &event["client"]), (&json!("not_ready"), &Value::Null));
}

#[tokio::test]
async fn a_client_that_is_turned_away_before_a_policy_speaks_for_it_is_named() {
    let mut world = world().await;
    world.document["policies"][0]["log"] = json!("none");
    world.document["default_policy"] = Value::Null;
    world.commit();
    let [event] =
        told_of(&world, "www.example.org", &ClientIdentity::NETWORK).await.try_into().unwrap();
    assert_eq!((&event["reason"], &event["policy"]), (&json!("no_policy"), &Value::Null));
    assert_eq!((&event["client"], &event["snapshot"]), (&json!("127.0.0.9"), &json!(1)));
}

#[tokio::test]
async fn an_observed_rule_is_told_with_its_origin() {
    let mut world = world().await;
    world.document["policies"][0]["rules"][1]["origin"] = json!("policy.yaml:12 \"watch\"");
    world.commit();
    world.ask(&query("seen.example", A)).await;
    world.ask(&query("observed.example.org", A)).await;
    for event in taken(&world.core) {
        assert_eq!(event["observed"], json!("policy.yaml:12 \"watch\""), "{event}");
        assert_eq!((&event["outcome"], &event["rule"]), (&json!("answered"), &Value::Null));
    }
}

#[tokio::test]
async fn names_of_any_octets_are_one_line_of_valid_json() {
    let world = world().await;
    for name in [r"a\.b\000\010\255.ads.example", r#"\"\\\;\[b\].ads.example"#, "."] {
        world.ask(&query(name, A)).await;
        let [event] = taken(&world.core).try_into().unwrap();
        let told = event["name"].as_str().unwrap();
        assert!(told.bytes().all(|octet| octet.is_ascii_graphic()), "{told}");
        let name = keyhole_wire::Name::from_text(name).unwrap();
        assert_eq!(keyhole_wire::Name::from_text(told).unwrap(), name);
    }
}

#[tokio::test]
async fn an_event_is_told_in_the_words_of_the_snapshot_that_decided_it() {
    let mut world = world().await;
    let held = query("held.example.org", A).octets();
    let (progress, mut out) = begin(&world.core, &held, Transport::Udp, "127.0.0.1");
    let Progress::Waiting(pending) = progress else { panic!("it has to ask") };
    world.ask(&query("x.ads.example", A)).await;
    for number in 2..6 {
        world.document["number"] = json!(number);
        world.document["policies"][0]["name"] = json!(format!("policy-{number}"));
        world.document["policies"][0]["rules"][0]["origin"] = json!(format!("rule-{number}"));
        world.commit();
        world.ask(&query("x.ads.example", A)).await;
    }
    let told: Vec<_> = taken(&world.core)
        .iter()
        .map(|event| {
            (event["snapshot"].as_u64().unwrap(), event["rule"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected: Vec<_> = [(1, "test".to_owned())]
        .into_iter()
        .chain((2..6).map(|number| (number, format!("rule-{number}"))))
        .collect();
    assert_eq!(told, expected);
    // The oldest one decides still: a query waits under it, though all of its events were taken.
    world.upstream.release();
    pipeline::complete(&world.core, pending, &mut out).await.unwrap();
    let [event] = taken(&world.core).try_into().unwrap();
    assert_eq!((&event["snapshot"], &event["policy"]), (&json!(1), &json!("base")));
}

#[tokio::test]
async fn events_are_dropped_and_counted_when_nobody_takes_them_and_answers_go_on() {
    let mut options = options();
    options["events"] = json!(1);
    let world = world_with(&options, |_| {}).await;
    let asked = 200;
    for number in 0..asked {
        let reply = world.ask(&query(&format!("n{number}.ads.example"), A)).await;
        assert_eq!(reply.rcode(), 3);
    }
    let mut told = taken(&world.core);
    let lost = told.pop().unwrap()["lost"].as_u64().unwrap();
    assert!(lost > 0 && !told.is_empty());
    assert_eq!(told.len() as u64 + lost, asked, "none without an event or a count");
    assert_eq!(told[0]["name"], "n0.ads.example", "the newest are dropped, not the oldest");
    assert!(taken(&world.core).is_empty(), "told once");
    assert_eq!(world.count("blocked_by_rule"), asked);
}

#[tokio::test]
async fn taking_is_bounded_and_what_is_left_comes_next() {
    let world = world().await;
    for number in 0..10 {
        world.ask(&query(&format!("n{number}.ads.example"), A)).await;
    }
    let mut told = Vec::new();
    for count in [4, 4, 2, 0] {
        let some = lines(&world.core.events.take(4, Duration::ZERO).lines);
        assert_eq!(some.len(), count);
        told.extend(some.iter().map(|event| event["name"].as_str().unwrap().to_owned()));
    }
    let expected: Vec<_> = (0..10).map(|number| format!("n{number}.ads.example")).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn events_of_all_workers_are_told_in_the_order_in_which_their_queries_arrived() {
    let mut options = logging();
    options["workers"] = json!(3);
    let world = world_with(&options, |_| {}).await;
    let began = Instant::now();
    for (number, worker) in [5, 3, 4, 0, 2, 1].into_iter().zip([2, 0, 1, 2, 1, 0]) {
        let packet = query(&format!("n{number}.ads.example"), A).octets();
        let sender = Sender {
            transport: Transport::Udp,
            tls: None,
            client: SocketAddr::from(([127, 0, 0, 1], 5_353)),
            connection: IpAddr::from([127, 0, 0, 1]),
            identity: &ClientIdentity::NETWORK,
            worker,
            trace: None,
        };
        let now = began + Duration::from_millis(number);
        let arrival = Arrival { packet: &packet, sender, now };
        pipeline::begin(&world.core, &arrival, &mut Vec::new());
    }
    let told: Vec<_> =
        taken(&world.core).iter().map(|event| event["name"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> = (0..6).map(|number| format!("n{number}.ads.example")).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn taking_waits_for_an_event_and_no_longer_than_it_may() {
    let world = Arc::new(world().await);
    assert!(world.core.events.take(ALL, Duration::from_millis(1)).is_empty());
    let taker = {
        let world = Arc::clone(&world);
        std::thread::spawn(move || world.core.events.take(ALL, Duration::from_secs(60)).lines)
    };
    world.ask(&query("x.ads.example", A)).await;
    let told = tokio::task::spawn_blocking(move || taker.join().unwrap()).await.unwrap();
    assert_eq!(lines(&told).len(), 1);
}

#[tokio::test]
async fn without_room_for_events_there_are_none() {
    let world = world_with(&options(), |_| {}).await;
    world.ask(&query("x.ads.example", A)).await;
    assert!(taken(&world.core).is_empty());
    let mut many = options();
    many["events"] = json!(1_048_577);
    let refused = keyhole_core::options::Options::read(many.to_string().as_bytes()).unwrap_err();
    assert!(refused.to_string().starts_with("options.events: "), "{refused}");
}

#[tokio::test]
async fn a_list_is_told_by_its_name() {
    let mut world = world().await;
    let rules = world.document["policies"][0]["rules"].as_array_mut().unwrap();
    rules.push(rule("allow", json!({"exact": "www.example.net"})));
    world.document["list_file"] = super::reasons::list_file("events");
    world.document["lists"] = json!([{"name": "test", "kind": "block"}]);
    world.document["policies"][0]["lists"] = json!([0]);
    for (mode, field) in [("enforce", "list"), ("observe", "observed")] {
        world.document["policies"][0]["list_mode"] = json!(mode);
        world.commit();
        world.ask(&query("listed.example", A)).await;
        let [event] = taken(&world.core).try_into().unwrap();
        assert_eq!(event[field], json!("test"), "{event}");
        let is_told = event["file"].as_str().is_some_and(|file| file.ends_with("list.txt"));
        assert_eq!((is_told, event["line"] == 1), (field == "list", field == "list"));
    }
}

#[tokio::test]
async fn a_line_whose_parts_are_copied_from_another_one_says_the_same() {
    let world = world().await;
    let id = "spiffe://example.org/web";
    for identity in [ClientIdentity::NETWORK, certificate(id), shown(Credential::Token(TOKEN))] {
        for name in ["www.example.org", "x.ads.example", "private.example.org", "*.ads.example"] {
            // The first may wait for an upstream.
            told_of(&world, name, &identity).await;
            let [mut one] = told_of(&world, name, &identity).await.try_into().unwrap();
            let [mut other] = told_of(&world, name, &identity).await.try_into().unwrap();
            for event in [&mut one, &mut other] {
                let time = event.as_object_mut().unwrap().remove("time").unwrap();
                assert!(time.as_str().unwrap().ends_with('Z'));
                assert_eq!(event["name"], name);
            }
            assert_eq!(one, other);
        }
    }
}

#[tokio::test]
async fn a_query_for_an_unlogged_name_is_answered_and_counted_and_never_told() {
    let mut world = world().await;
    world.document["unlogged"] = json!([
        {"exact": "clinic.example.org"}, {"below": "clinic.example.org"}, {"below": "ads.example"},
        {"regex": "^bank[0-9]"},
    ]);
    world.commit();
    // Asked upstream, blocked by a rule, of a network that is not served, and for an odd type.
    for name in ["clinic.example.org", "WWW.clinic.EXAMPLE.org", "x.ads.example", "bank7.test"] {
        world.ask(&query(name, A)).await;
    }
    send(&world.core, &query("www.clinic.example.org", A).octets(), Transport::Udp, "10.0.0.1")
        .await;
    world.ask(&query("www.clinic.example.org", 252)).await;
    // The answer leads to a name below ads.example, which a line of it would tell.
    world.ask(&query("cloaked.example.org", A)).await;
    assert_eq!(taken(&world.core), Vec::<Value>::new());
    let stats = world.core.stats();
    assert_eq!(stats["queries"], stats["unlogged"], "each is counted, and as not logged");
    assert_eq!(stats["queries"]["udp"]["blocked_by_rule"], 1);
    world.ask(&query("www.example.org", A)).await;
    assert_eq!(taken(&world.core).len(), 1, "other names are told as before");
}
