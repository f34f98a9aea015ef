//! `explain` tells what the engine does.

use std::net::Ipv4Addr;

use keyhole_core::Error;
use keyhole_core::client_identity::{ClientIdentity, Credential};
use keyhole_core::explain::explain;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::identity::{self, PAYMENTS, TOKEN, WEB, certificate, expired_certificate, shown};
use super::message::{A, Reply, query};
use super::world::{World, options, rule, world_with};

fn told(world: &World, name: &str, kind: &str) -> Value {
    told_as(world, name, kind, json!({})).unwrap()
}

/// The same with more in the query.
fn told_as(world: &World, name: &str, kind: &str, more: Value) -> Result<Value, Error> {
    let mut query = json!({"name": name, "type": kind, "transport": "udp"});
    for (key, value) in more.as_object().unwrap() {
        query[key] = value.clone();
    }
    explain(world.document.to_string().as_bytes(), query.to_string().as_bytes())
}

/// The steps of `identify`, as what and result.
fn identified(told: &Value) -> Vec<(&str, &str)> {
    let steps = told["steps"].as_array().unwrap().iter();
    let of_stage = steps.filter(|step| step["stage"] == "identify");
    of_stage
        .map(|step| (step["what"].as_str().unwrap(), step["result"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn an_explanation_has_the_reason_and_code_of_the_reply() {
    let world = world_with(&options(), |_| {}).await;
    for (name, kind, number) in [
        ("x.ads.example", "A", 1),
        ("printer.example.org", "A", 1),
        ("localhost", "AAAA", 28),
        ("www.example.org", "AXFR", 252),
        ("www.example.org", "NULL", 10),
        ("www.example.org", "ANY", 255),
    ] {
        let told = told(&world, name, kind);
        let reply = world.ask(&query(name, number).edns(&[])).await;
        assert_eq!(told["rcode"], reply.rcode(), "{name} {kind}");
        assert_eq!(world.count(told["reason"].as_str().unwrap()), 1, "{name} {kind}");
    }
}

#[tokio::test]
async fn a_name_that_may_leave_is_explained_with_what_lets_it_out() {
    let world = world_with(&options(), |document| {
        let rules = document["policies"][0]["rules"].as_array_mut().unwrap();
        rules.push(rule("allow", json!({"exact": "www.example.org"})));
    })
    .await;
    let allowed = told(&world, "www.example.org", "A");
    assert_eq!((&allowed["reason"], &allowed["rcode"]), (&json!("forwarded"), &Value::Null));
    assert_eq!(allowed["cause"]["cause"], "rule");
    assert_eq!(told(&world, "www.example.net", "A")["cause"]["cause"], "default");
    let seen = told(&world, "seen.example", "A");
    assert_eq!(
        (&seen["reason"], &seen["observed"]["cause"]),
        (&json!("forwarded"), &json!("rule"))
    );
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn an_explanation_as_somebody_has_the_reason_of_their_reply_and_says_who_they_are() {
    let mut world = identity::world().await;
    world.document["subjects"]["identities"][0]["client"] = json!("web shop");
    world.commit();
    for (who, identity, subject, client, policy) in [
        (json!({"identity": WEB}), shown(certificate(WEB)), WEB, json!("web shop"), "web"),
        (
            json!({"identity": PAYMENTS}),
            shown(certificate(PAYMENTS)),
            "shop/*",
            json!(null),
            "shop",
        ),
        (json!({"token": "tv"}), shown(Credential::Token(TOKEN)), "token:tv", json!(null), "token"),
        (
            json!({"address": "127.0.0.1"}),
            ClientIdentity::NETWORK,
            "127.0.0.1/32",
            json!(null),
            "near",
        ),
        (json!(null), ClientIdentity::NETWORK, "127.0.0.1/32", json!(null), "near"),
        (
            json!({"address": "192.0.2.9"}),
            ClientIdentity::NETWORK,
            "default",
            json!(null),
            "default",
        ),
    ] {
        let told = told_as(&world, "x.by.name", "A", json!({"as": who})).unwrap();
        assert_eq!(told["reason"], "blocked_by_rule");
        assert_eq!(told["cause"]["policy"], policy);
        assert_eq!(
            told["client"],
            json!({
                "subject": subject, "client": client, "policy": policy, "policy_origin": "test",
                "mode": "enforce", "log": "full",
            })
        );
        assert_eq!(identified(&told).last().unwrap(), &("subjects", subject));
        if who != json!({"address": "192.0.2.9"}) {
            let asked = query("x.by.name", A).edns(&[]);
            let reply = world.ask_as(&identity, &asked, Transport::Udp).await;
            assert_eq!(reply.word(), told["reason"].as_str());
            assert_eq!(told["cause"]["answer"]["address"], address(&reply));
        }
    }
}

fn address(reply: &Reply) -> String {
    let octets: [u8; 4] = reply.of(A)[0].data[..].try_into().unwrap();
    Ipv4Addr::from(octets).to_string()
}

#[tokio::test]
async fn whoever_is_refused_is_explained_with_what_they_showed_and_why() {
    let mut world = identity::world().await;
    let revoked = "spiffe://example.org/gone";
    world.document["trust"]["revoked"]["identities"] = json!([revoked]);
    world.commit();
    for (more, reason) in [
        (json!({"as": {"identity": revoked}}), "identity_revoked"),
        (json!({"as": {"identity": WEB}, "expired": true}), "identity_expired"),
        (json!({"as": {"token": "nobody"}}), "unknown_token"),
    ] {
        let told = told_as(&world, "x.by.name", "A", more).unwrap();
        assert_eq!((&told["reason"], &told["outcome"]), (&json!(reason), &json!("refused")));
        assert_eq!(
            (&told["client"]["subject"], &told["client"]["policy"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(identified(&told).len(), 2);
        assert_eq!(identified(&told)[1].1, told["meaning"].as_str().unwrap());
    }
    // With a policy for those, an expired certificate is explained with it.
    world.document["subjects"]["expired"] = json!(6);
    world.commit();
    let more = json!({"as": {"identity": WEB}, "expired": true});
    let told = told_as(&world, "x.by.name", "A", more).unwrap();
    assert_eq!(
        (&told["client"]["subject"], &told["client"]["policy"]),
        (&json!("expired"), &json!("expired"))
    );
    let identity = shown(expired_certificate(WEB));
    let reply = world.ask_as(&identity, &query("x.by.name", A).edns(&[]), Transport::Udp).await;
    assert_eq!(told["cause"]["answer"]["address"], address(&reply));
}

#[tokio::test]
async fn a_time_that_is_given_decides_which_rules_act() {
    let world = world_with(&options(), |document| {
        document["schedules"] = json!([{
            "days": [0], "begins": 1_260, "ends": 420, "offsets": [[0, 3_600]],
            "words": "mon 21:00 to 07:00 Europe/Berlin",
        }]);
        let mut night = rule("block", json!({"exact": "games.example.org"}));
        night["when"] = json!(0);
        document["policies"][0]["rules"].as_array_mut().unwrap().push(night);
    })
    .await;
    // Monday 2026-11-23 at 21:00 in Berlin, its last second, and the ones around them.
    let (begins, ends) = (1_795_464_000, 1_795_500_000);
    for (at, blocked) in [(begins - 1, false), (begins, true), (ends - 1, true), (ends, false)] {
        let told = told_as(&world, "games.example.org", "A", json!({"at": at})).unwrap();
        let step =
            told["steps"].as_array().unwrap().iter().find(|one| one["what"] == "block rules");
        let step = step.unwrap();
        assert_eq!(told["outcome"] == "blocked", blocked, "{at}");
        assert_eq!(step["result"], if blocked { "blocks" } else { "not at this time" });
        let rule = &step["detail"]["matching"][0];
        assert_eq!(
            (&rule["when"], &rule["active"]),
            (&json!("mon 21:00 to 07:00 Europe/Berlin"), &json!(blocked))
        );
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_is_refused_with_its_place() {
    let world = identity::world().await;
    for (more, place) in [
        (json!({"as": {"identity": "example.org/web"}}), "query.as.identity"),
        (json!({"expired": true}), "query.expired"),
        (json!({"as": {"token": "tv"}, "expired": true}), "query.expired"),
        (json!({"as": {"address": "nowhere"}}), "query"),
        (json!({"as": {"name": "x"}}), "query"),
        (json!({"surprise": 1}), "query"),
    ] {
        let Err(Error::Invalid { path, .. }) = told_as(&world, "x.by.name", "A", more.clone())
        else {
            panic!("{more} was explained")
        };
        assert_eq!(path, place, "{more}");
    }
}
