//! `judge` decides as `explain` and as the engine do, for many questions at once.

use keyhole_core::Error;
use keyhole_core::explain::explain;
use keyhole_core::judge::judge;
use serde_json::{Value, json};

use super::world::{World, options, world_with};

fn judged(world: &World, queries: &Value) -> Result<Value, Error> {
    judge(world.document.to_string().as_bytes(), queries.to_string().as_bytes())
}

fn asked(name: &str, kind: &str) -> Value {
    json!({
        "name": name, "type": kind, "transport": "udp", "as": null, "expired": false, "at": null,
    })
}

#[tokio::test]
async fn a_judgment_says_what_an_explanation_says() {
    let world = world_with(&options(), |_| {}).await;
    let questions: Vec<_> = [
        ("x.ads.example", "A"),
        ("printer.example.org", "A"),
        ("localhost", "AAAA"),
        ("www.example.org", "A"),
        ("seen.example", "HTTPS"),
        ("www.example.org", "AXFR"),
        ("www.example.org", "TYPE65399"),
        ("www.example.org", "ANY"),
    ]
    .into_iter()
    .map(|(name, kind)| asked(name, kind))
    .collect();
    let verdicts = judged(&world, &json!(questions)).unwrap();
    let verdicts = verdicts.as_array().unwrap();
    assert_eq!(verdicts.len(), questions.len());
    for (question, verdict) in questions.iter().zip(verdicts) {
        let snapshot = world.document.to_string();
        let told = explain(snapshot.as_bytes(), question.to_string().as_bytes()).unwrap();
        for field in ["outcome", "reason", "cause", "observed"] {
            assert_eq!(verdict[field], told[field], "{field} of {question}");
        }
        assert_eq!(verdict["policy"], "base");
    }
    assert_eq!(verdicts[4]["observed"]["cause"], "rule");
    assert!(world.upstream.queries().is_empty(), "nobody is asked");
}

#[tokio::test]
async fn every_way_to_say_who_asks_is_taken() {
    let world = world_with(&options(), |_| {}).await;
    let mut questions = Vec::new();
    for who in [
        json!({"identity": "spiffe://keyhole.lab/ns/shop/sa/web"}),
        json!({"token": "tv"}),
        json!({"address": "192.0.2.1"}),
        json!({"address": "2001:db8::1"}),
    ] {
        let mut question = asked("x.ads.example", "A");
        question["as"] = who;
        question["at"] = json!(1_795_644_000);
        questions.push(question);
    }
    let verdicts = judged(&world, &json!(questions)).unwrap();
    assert_eq!(verdicts.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_told_with_its_place() {
    let world = world_with(&options(), |_| {}).await;
    let good = asked("www.example.org", "A");
    for (field, value, place) in [
        ("name", json!("a..b"), "queries[1].name"),
        ("type", json!("NOPE"), "queries[1].type"),
        ("as", json!({"identity": "spiffe://keyhole.lab"}), "queries[1].as.identity"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        match judged(&world, &json!([good, bad])).unwrap_err() {
            Error::Invalid { path, .. } => assert_eq!(path, place),
            other => panic!("{other}"),
        }
    }
    assert!(judged(&world, &json!({"name": "www.example.org"})).is_err());
}
