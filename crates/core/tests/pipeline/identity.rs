//! Who asks: which policy speaks for a client, and who is refused.

use std::sync::Arc;

use keyhole_core::client_identity::{ClientIdentity, Credential, Svid};
use keyhole_core::spiffe_id::SpiffeId;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{A, Reply, query};
use super::world::{TRANSPORTS, World, begin, options, rule, send_as, world_with};

pub const WEB: &str = "spiffe://example.org/ns/shop/sa/web";
pub const PAYMENTS: &str = "spiffe://example.org/ns/shop/sa/payments";
const BUILD: &str = "spiffe://example.org/ns/build/sa/ci";
/// The SHA-256 of a token that the tests know, and of one that they do not.
pub const TOKEN: [u8; 32] = [0xaa; 32];
const NO_TOKEN: [u8; 32] = [0xbb; 32];

pub fn shown(credential: Credential) -> ClientIdentity {
    ClientIdentity { credential, by_network: true }
}

fn svid(id: &str, expired: bool) -> Credential {
    Credential::Certificate(Arc::new(Svid::assumed(SpiffeId::read(id).unwrap(), expired)))
}

pub fn certificate(id: &str) -> Credential {
    svid(id, false)
}

pub fn expired_certificate(id: &str) -> Credential {
    svid(id, true)
}

fn mesh(id: &str) -> Credential {
    Credential::Mesh(SpiffeId::read(id).unwrap())
}

/// A policy whose name can be told from its answers: it blocks all below `by.name` with the
/// address 192.0.2.`number`.
fn policy(document: &Value, name: &str, number: usize) -> Value {
    let mut policy = document["policies"][0].clone();
    let mut block = rule("block", json!({"below": "by.name"}));
    block["answer"] = json!({"address": format!("192.0.2.{number}")});
    policy["name"] = json!(name);
    policy["rules"].as_array_mut().unwrap().push(block);
    policy
}

/// Policies 0 `default`, 1 `web`, 2 `shop`, 3 `token`, 4 `near`, 5 `wide` and 6 `expired`.
pub async fn world() -> World {
    world_with(&options(), |document| {
        let names = ["default", "web", "shop", "token", "near", "wide", "expired"];
        document["policies"] =
            names.iter().enumerate().map(|(at, name)| policy(document, name, at)).collect();
        let one = |key: &str, value: &str, policy: Value| {
            json!({
                key: value, "client": null, "policy": policy, "subject": value,
            })
        };
        let mut token = one("sha256", &"a".repeat(64), json!(3));
        (token["name"], token["subject"]) = (json!("tv"), json!("token:tv"));
        document["subjects"] = json!({
            "identities": [one("id", WEB, json!(1))],
            "below": [
                {"prefix": "spiffe://example.org/ns/shop", "policy": 2, "subject": "shop/*"},
            ],
            "tokens": [token],
            "networks": [
                one("network", "127.0.0.0/16", json!(5)),
                one("network", "127.0.0.1/32", json!(4)),
            ],
            "expired": null,
        });
    })
    .await
}

/// Which of the policies answered.
fn policy_of(reply: &Reply) -> u8 {
    assert_eq!(reply.word(), Some("blocked_by_rule"));
    reply.of(A)[0].data[3]
}

/// The word of the refusal, which never says more than that.
fn refusal(reply: &Reply) -> &str {
    let (code, word) = reply.extended_error().unwrap();
    assert_eq!((reply.rcode(), code, reply.of(A).len()), (5, 18, 0));
    word
}

async fn ask(world: &World, identity: &ClientIdentity, transport: Transport) -> Reply {
    let asked = world.proved(query("x.by.name", A)).await;
    world.ask_as(identity, &asked, transport).await
}

#[tokio::test]
async fn the_most_specific_subject_chooses_the_policy_on_every_transport() {
    let world = world().await;
    let network = ClientIdentity::NETWORK;
    for (identity, policy) in [
        (shown(certificate(WEB)), 1),
        (shown(certificate(PAYMENTS)), 2),
        (shown(certificate(BUILD)), 0),
        (shown(mesh(WEB)), 1),
        (shown(mesh(PAYMENTS)), 2),
        (shown(mesh(BUILD)), 0),
        (shown(Credential::Token(TOKEN)), 3),
        (network, 4),
    ] {
        for transport in TRANSPORTS {
            let reply = ask(&world, &identity, transport).await;
            assert_eq!(policy_of(&reply), policy, "{:?} {transport:?}", identity.credential);
        }
    }
    assert!(world.upstream.queries().is_empty());
}

#[tokio::test]
async fn an_address_is_served_by_its_longest_network() {
    let world = world().await;
    let packet = query("x.by.name", A).edns(&[]).octets();
    for (address, policy) in
        [("127.0.0.1", 4), ("127.0.0.2", 5), ("127.0.255.255", 5), ("127.1.0.0", 0)]
    {
        for transport in TRANSPORTS {
            let (_, reply) = begin(&world.core, &packet, transport, address);
            assert_eq!(policy_of(&Reply::read(reply)), policy, "{address} {transport:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_good_is_refused_with_its_reason_and_never_served_by_its_network() {
    let mut world = world().await;
    world.document["trust"]["revoked"]["identities"] = json!([BUILD]);
    world.commit();
    for (credential, word) in [
        (Credential::Unreadable, "unreadable_identity"),
        (Credential::Token(NO_TOKEN), "unknown_token"),
        (certificate(BUILD), "identity_revoked"),
        (expired_certificate(BUILD), "identity_revoked"),
        (mesh(BUILD), "identity_revoked"),
        (expired_certificate(WEB), "identity_expired"),
    ] {
        for transport in TRANSPORTS {
            let identity = shown(credential.clone());
            let reply = ask(&world, &identity, transport).await;
            assert_eq!(refusal(&reply), word, "{credential:?} {transport:?}");
        }
    }
}

#[tokio::test]
async fn whoever_shows_nothing_where_something_is_asked_for_is_refused_whatever_the_address() {
    let world = world().await;
    for transport in TRANSPORTS {
        assert_eq!(refusal(&ask(&world, &ClientIdentity::NOBODY, transport).await), "no_identity");
    }
}

#[tokio::test]
async fn whom_no_subject_means_is_refused_without_a_default_policy() {
    let mut world = world().await;
    world.document["default_policy"] = Value::Null;
    world.document["subjects"]["networks"] = json!([]);
    world.document["subjects"]["tokens"][0]["policy"] = Value::Null;
    world.commit();
    let strangers = [certificate(BUILD), mesh(BUILD), Credential::Token(TOKEN)];
    for identity in strangers.map(shown).into_iter().chain([ClientIdentity::NETWORK]) {
        for transport in TRANSPORTS {
            assert_eq!(refusal(&ask(&world, &identity, transport).await), "no_policy");
        }
    }
    assert_eq!(policy_of(&ask(&world, &shown(certificate(WEB)), Transport::Dot).await), 1);
}

#[tokio::test]
async fn an_expired_certificate_gets_the_policy_for_those_and_no_other() {
    let mut world = world().await;
    world.document["subjects"]["expired"] = json!(6);
    world.commit();
    for id in [WEB, PAYMENTS, BUILD] {
        for transport in TRANSPORTS {
            let reply = ask(&world, &shown(expired_certificate(id)), transport).await;
            assert_eq!(policy_of(&reply), 6, "{id}");
        }
    }
}

#[tokio::test]
async fn two_callers_at_one_address_get_different_verdicts_about_one_name() {
    let mut world = world().await;
    world.document["policies"][2]["default"] = json!("deny");
    world.commit();
    let asked = world.proved(query("www.example.org", A)).await;
    let (web, payments) = (shown(certificate(WEB)), shown(certificate(PAYMENTS)));
    for transport in TRANSPORTS {
        // The second time it is in the cache, which knows nothing of verdicts.
        for _ in 0..2 {
            let allowed = world.ask_as(&web, &asked, transport).await;
            assert_eq!((allowed.rcode(), allowed.of(A).len()), (0, 1));
            let denied = world.ask_as(&payments, &asked, transport).await;
            assert_eq!(denied.word(), Some("denied_by_default"));
        }
    }
    assert_eq!(world.upstream.queries().len(), 1);
}

#[tokio::test]
async fn what_is_taken_back_acts_on_the_next_query_of_the_same_connection() {
    let mut world = world().await;
    let callers = [shown(certificate(WEB)), shown(mesh(WEB)), shown(Credential::Token(TOKEN))];
    for identity in &callers {
        assert!(policy_of(&ask(&world, identity, Transport::Dot).await) > 0);
    }
    world.document["trust"]["revoked"]["identities"] = json!([WEB]);
    world.document["subjects"]["tokens"] = json!([]);
    world.commit();
    for (identity, word) in
        callers.iter().zip(["identity_revoked", "identity_revoked", "unknown_token"])
    {
        assert_eq!(refusal(&ask(&world, identity, Transport::Dot).await), word);
    }
}

#[tokio::test]
async fn an_identity_does_not_open_a_network_that_is_not_served() {
    let world = world().await;
    let packet = query("x.by.name", A).edns(&[]).octets();
    let identity = shown(certificate(WEB));
    let reply =
        send_as(&identity, &world.core, &packet, Transport::Dot, "192.0.2.1").await.unwrap();
    assert_eq!(refusal(&reply), "network_not_served");
}
