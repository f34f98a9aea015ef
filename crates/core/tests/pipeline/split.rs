//! Split horizon: one name, and what each policy sees of it.

use keyhole_core::client_identity::{ClientIdentity, Credential};
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::identity::shown;
use super::message::{A, Reply, query};
use super::upstream::Upstream;
use super::world::{TRANSPORTS, World, options, record, rule, world_with};

/// The policies, which are also the digits of the digests of the tokens that choose them.
const LOCAL: usize = 0;
const BLOCKED: usize = 1;
const FIRST: usize = 2;
const SECOND: usize = 3;
const ALIAS: usize = 4;

fn holder(policy: usize) -> ClientIdentity {
    shown(Credential::Token([0x11 * policy as u8; 32]))
}

/// Five policies, each for one token: a local record for `www.example.org`, a rule against it, two
/// different upstreams, and an alias that leads from another name to it.
async fn world(second: &Upstream) -> World {
    world_with(&options(), |document| {
        let mut other = document["upstreams"][0].clone();
        (other["name"], other["addresses"]) = (json!("second"), json!([second.address]));
        document["upstreams"].as_array_mut().unwrap().push(other);
        let mut set = document["upstream_sets"][0].clone();
        (set["name"], set["upstreams"]) = (json!("second"), json!([1]));
        document["upstream_sets"].as_array_mut().unwrap().push(set);
        document["records"] = json!([
            record("www.example.org", json!({"a": "10.0.0.7"})),
            record("led.example.org", json!({"cname": "www.example.org"})),
        ]);
        document["record_sets"] = json!([[0], [], [1]]);
        let base = document["policies"][0].clone();
        let policy = |records: usize, upstreams: usize, rules: Value| {
            let mut policy = base.clone();
            (policy["record_set"], policy["upstream_set"]) = (json!(records), json!(upstreams));
            policy["rules"] = rules;
            policy
        };
        let block = json!([rule("block", json!({"exact": "www.example.org"}))]);
        document["policies"] = json!([
            policy(0, 0, json!([])),
            policy(1, 0, block),
            policy(1, 0, json!([])),
            policy(1, 1, json!([])),
            policy(2, 1, json!([])),
        ]);
        let tokens = (0..5).map(|digit| {
            json!({
                "name": format!("t{digit}"), "sha256": digit.to_string().repeat(64),
                "client": null, "policy": digit, "subject": format!("token:t{digit}"),
            })
        });
        document["subjects"]["tokens"] = tokens.collect();
    })
    .await
}

/// What a reply says: its addresses, or why there are none.
fn said(reply: &Reply) -> Result<Vec<[u8; 4]>, &str> {
    let addresses = reply.of(A).into_iter().map(|one| one.data[..].try_into().unwrap());
    reply.word().map_or_else(|| Ok(addresses.collect()), Err)
}

const UPSTREAM: [u8; 4] = [198, 18, 0, 1];

#[tokio::test]
async fn one_name_is_what_each_policy_says_it_is_in_whatever_order_it_is_asked() {
    let orders = [
        [LOCAL, BLOCKED, FIRST, SECOND, ALIAS],
        [ALIAS, SECOND, FIRST, BLOCKED, LOCAL],
        [FIRST, LOCAL, SECOND, ALIAS, BLOCKED],
    ];
    for order in orders {
        let second = Upstream::run().await;
        let world = world(&second).await;
        for transport in TRANSPORTS {
            // Twice: what one policy brings into the cache must not show to another.
            for policy in order.into_iter().chain(order) {
                let name = if policy == ALIAS { "led.example.org" } else { "www.example.org" };
                let asked = query(name, A).edns(&[]);
                let reply = world.ask_as(&holder(policy), &asked, transport).await;
                let expected = match policy {
                    LOCAL => Ok(vec![[10, 0, 0, 7]]),
                    BLOCKED => Err("blocked_by_rule"),
                    _ => Ok(vec![UPSTREAM]),
                };
                assert_eq!(said(&reply), expected, "{policy} {order:?} {transport:?}");
                assert_eq!(reply.of(5).len(), usize::from(policy == ALIAS), "{policy}");
            }
        }
        // Each upstream was asked once: policies that ask the same one share what it said.
        assert_eq!(world.upstream.queries().len(), 1, "{order:?}");
        assert_eq!(second.queries().len(), 1, "{order:?}");
    }
}

#[tokio::test]
async fn a_record_of_another_policy_neither_answers_nor_hides_a_name() {
    let second = Upstream::run().await;
    let world = world(&second).await;
    // With a local record of one type, another type of the name is empty here and asked elsewhere.
    let asked = query("www.example.org", 28).edns(&[]);
    let local = world.ask_as(&holder(LOCAL), &asked, Transport::Udp).await;
    assert_eq!((local.rcode(), local.of(28).len()), (0, 0));
    assert!(world.upstream.queries().is_empty());
    world.ask_as(&holder(FIRST), &asked, Transport::Udp).await;
    assert_eq!(world.upstream.queries().len(), 1);
}

#[tokio::test]
async fn a_failure_of_one_upstream_is_not_remembered_against_another() {
    let second = Upstream::run().await;
    let world = world(&second).await;
    world.upstream.breaks();
    let asked = query("www.example.org", A).edns(&[]);
    for _ in 0..2 {
        let failed = world.ask_as(&holder(FIRST), &asked, Transport::Udp).await;
        assert_eq!(failed.rcode(), 2);
        let answered = world.ask_as(&holder(SECOND), &asked, Transport::Udp).await;
        assert_eq!(said(&answered), Ok(vec![UPSTREAM]));
    }
}
