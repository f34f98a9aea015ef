//! Traces: which queries are recorded, whose trace goes on, and who learns of it.

use keyhole_core::client_identity::{ClientIdentity, Credential};
use keyhole_core::spiffe_id::SpiffeId;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{A, query};
use super::world::{World, options, send, world_with};

const RESOLVER: &str = "spiffe://lab.example/ns/dns/sa/resolver";
const OPTION: [u8; 4] = [0xfe, 0x1e, 0, 25];

async fn traced(share: f64, role: &str, change: impl FnOnce(&mut Value)) -> World {
    let mut options = options();
    options["role"] = json!(role);
    let forwarders = if role == "resolver" { json!(["test"]) } else { json!([]) };
    options["traces"] = json!({
        "share": share, "slow_ms": 60_000, "forwarders": forwarders, "resolvers": [RESOLVER],
    });
    world_with(&options, change).await
}

fn lines(world: &World) -> Vec<Value> {
    let lines = world.core.traces.as_ref().unwrap().take(1_000);
    lines
        .split(|octet| *octet == b'\n')
        .filter_map(|one| serde_json::from_slice(one).ok())
        .collect()
}

fn client(id: &str) -> ClientIdentity {
    ClientIdentity::showing(Credential::Mesh(SpiffeId::read(id).unwrap()))
}

/// Everyone has the policy, whatever they show.
fn serve_all(document: &mut Value) {
    document["subjects"]["below"] =
        json!([{"prefix": "spiffe://lab.example/ns", "policy": 0, "subject": "ns/*"}]);
}

/// The option of a trace whose ids repeat these octets.
fn option(trace: u8, span: u8, flags: u8) -> Vec<u8> {
    [&OPTION[..], &[trace; 16], &[span; 8], &[flags]].concat()
}

fn has_option(message: &[u8]) -> bool {
    message.windows(4).any(|four| four == OPTION)
}

#[tokio::test]
async fn a_query_that_is_chosen_has_the_times_of_all_stages() {
    let world = traced(1.0, "resolver", |_| {}).await;
    world.ask(&query("www.example.org", A)).await;
    world.ask(&query("www.example.org", A)).await;
    let recorded = lines(&world);
    assert_eq!(recorded.len(), 2);
    for one in &recorded {
        let stages: Vec<&str> = one["stages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| stage[0].as_str().unwrap())
            .collect();
        assert_eq!(
            stages,
            [
                "receive",
                "parse",
                "admit",
                "identify",
                "authorize",
                "screen",
                "fetch",
                "vet",
                "reply",
                "record"
            ]
        );
        assert_eq!(one["why"], "sampled");
    }
    assert_eq!(recorded[0]["exchanges"][0]["upstream"], "test");
    assert_eq!(recorded[1]["exchanges"], json!([]));
    world.ask(&query("www.ads.example", A)).await;
    let blocked = lines(&world);
    assert_eq!(
        blocked[0]["stages"].as_array().unwrap().len(),
        7,
        "the stages between are not passed"
    );
}

#[tokio::test]
async fn what_is_not_chosen_is_recorded_when_it_is_refused_or_fails() {
    let world = traced(0.0, "resolver", |_| {}).await;
    world.ask(&query("www.example.org", A)).await;
    world.ask(&query("www.ads.example", A)).await;
    assert!(lines(&world).is_empty());
    world.ask(&query("www.example.org", 252)).await;
    world.upstream.breaks();
    world.ask(&query("broken.example.org", A)).await;
    let why: Vec<Value> = lines(&world).iter().map(|one| one["why"].clone()).collect();
    assert_eq!(why, ["refused", "failed"]);
}

#[tokio::test]
async fn queries_that_are_turned_away_crowd_out_none_that_failed() {
    let stranger = query("www.example.org", A).octets();
    for share in [0.0, 1.0] {
        let world = traced(share, "resolver", |_| {}).await;
        for _ in 0..300 {
            assert!(send(&world.core, &stranger, Transport::Udp, "192.0.2.1").await.is_none());
        }
        world.upstream.breaks();
        world.ask(&query("broken.example.org", A)).await;
        let recorded = lines(&world);
        assert!(recorded.iter().any(|one| one["name"] == "broken.example.org"), "{share}");
        assert_eq!(world.core.traces.as_ref().unwrap().stats()["limited"], 300 - 256);
    }
}

#[tokio::test]
async fn a_forwarder_of_ours_learns_of_a_trace_where_the_policy_logs_all() {
    for (log, is_told, is_recorded) in
        [("full", true, true), ("anonymous", false, true), ("none", false, false)]
    {
        let change = |document: &mut Value| document["policies"][0]["log"] = json!(log);
        let world = traced(1.0, "resolver", change).await;
        world.ask(&query("www.example.org", A)).await;
        assert_eq!(world.upstream.queries().iter().any(|one| has_option(one)), is_told, "{log}");
        let recorded = lines(&world);
        assert_eq!(recorded.len(), usize::from(is_recorded), "{log}");
        for one in recorded.iter().filter(|_| log == "anonymous") {
            assert_eq!((&one["name"], &one["client"]), (&Value::Null, &Value::Null));
        }
    }
}

#[tokio::test]
async fn no_trace_has_an_unlogged_name_and_no_forwarder_learns_of_one() {
    let unlogged = json!([{"below": "example.org"}, {"below": "ads.example"}]);
    let world = traced(1.0, "resolver", |document| document["unlogged"] = unlogged).await;
    world.ask(&query("www.example.org", A)).await;
    world.ask(&query("www.ads.example", A)).await;
    assert!(!world.upstream.queries().iter().any(|one| has_option(one)));
    world.upstream.breaks();
    world.ask(&query("broken.example.org", A)).await;
    assert_eq!(lines(&world), Vec::<Value>::new());
}

#[tokio::test]
async fn a_forwarder_goes_on_with_the_trace_of_its_resolver_and_tells_nobody() {
    let world = traced(0.0, "forwarder", serve_all).await;
    let asked = query("www.example.org", A).edns(&option(7, 9, 1));
    world.ask_as(&client(RESOLVER), &asked, Transport::Dot).await;
    let recorded = lines(&world);
    assert_eq!(recorded[0]["trace"], "07".repeat(16));
    assert_eq!(recorded[0]["parent"], "09".repeat(8));
    assert_eq!(recorded[0]["stages"].as_array().unwrap().len(), 10);
    assert!(!world.upstream.queries().iter().any(|one| has_option(one)));
    // The resolver does not record this one.
    let asked = query("other.example.org", A).edns(&option(7, 9, 0));
    world.ask_as(&client(RESOLVER), &asked, Transport::Dot).await;
    assert!(lines(&world).is_empty());
}

#[tokio::test]
async fn nobody_else_is_believed_and_a_name_is_no_option() {
    let world = traced(0.0, "forwarder", serve_all).await;
    let asked = query("www.example.org", A).edns(&option(7, 9, 1));
    let stranger = client("spiffe://lab.example/ns/dns/sa/other");
    world.ask_as(&stranger, &asked, Transport::Dot).await;
    world.ask_over(&asked, Transport::Udp).await;
    // A client of the resolver chooses names, and this one looks like the option.
    let planted: String = option(7, 9, 1).iter().map(|octet| format!("\\{octet:03}")).collect();
    let asked = query(&format!("{planted}.ads.example"), A);
    world.ask_as(&client(RESOLVER), &asked, Transport::Dot).await;
    assert_eq!(lines(&world), Vec::<Value>::new());
}
