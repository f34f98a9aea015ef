//! How much goes over UDP to an address that nobody proved.

use keyhole_core::transport::Transport;
use serde_json::json;

use super::message::{A, AAAA, Query, Reply, query};
use super::world::{World, options, rule, send, world, world_with};

const ANY: u16 = 255;
const COOKIE: [u8; 12] = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];

/// Blocked names with each answer that a policy may give.
async fn blocking_world() -> World {
    world_with(&options(), |document| {
        for answer in ["nxdomain", "nodata", "refused", "null", "192.0.2.1"] {
            let mut one =
                rule("block", json!({"below": format!("{}.example", answer.replace('.', "-"))}));
            one["answer"] = match answer {
                "192.0.2.1" => json!({"address": answer}),
                word => json!(word),
            };
            document["policies"][0]["rules"].as_array_mut().unwrap().push(one);
        }
    })
    .await
}

fn is_small(asked: &Query, reply: &Reply) -> bool {
    2 * reply.octets.len() <= 3 * asked.octets().len()
}

#[tokio::test]
async fn what_is_made_here_has_at_most_one_and_a_half_octets_for_each_one_asked() {
    let world = blocking_world().await;
    let long = format!("{0}.{0}.{0}.ads.example", "x".repeat(60));
    let names = ["nxdomain", "nodata", "refused", "null", "192-0-2-1"];
    let names = names.map(|name| format!("www.{name}.example"));
    let others =
        [".", "x.ads.example", "a.test", "localhost.invalid", "8.8.10.in-addr.arpa", &long];
    for name in names.iter().map(String::as_str).chain(others) {
        for (kind, options) in [A, AAAA, 16, 10, 48, 252, ANY].into_iter().flat_map(|kind| {
            [None, Some(&[][..]), Some(&COOKIE[..])].map(|options| (kind, options))
        }) {
            let plain = query(name, kind);
            let asked = options.map_or_else(|| query(name, kind), |options| plain.edns(options));
            if name == "." && kind != ANY && kind < 250 && kind != 10 {
                continue; // Upstreams answer it.
            }
            let (udp, tcp) =
                (world.ask(&asked).await, world.ask_over(&asked, Transport::Tcp).await);
            // An address is as large as that of any name, and goes as that does.
            let has_address = [A, AAAA].iter().any(|kind| !udp.of(*kind).is_empty());
            let factor = format!("{name} {kind} {options:?}: {}", udp.octets.len());
            assert!(is_small(&asked, &udp) || has_address, "{factor}");
            assert_eq!(udp.rcode(), tcp.rcode(), "{name} {kind}");
            let has_all =
                [A, AAAA, 13].iter().all(|kind| udp.of(*kind).len() == tcp.of(*kind).len());
            assert!(has_all || udp.is_truncated(), "{name} {kind}");
            if let (Some((code, _)), Some((said, _))) = (tcp.extended_error(), udp.extended_error())
            {
                assert_eq!(code, said, "{name} {kind}");
            }
        }
    }
}

#[tokio::test]
async fn who_proves_the_address_gets_all_of_it() {
    let world = world().await;
    let asked = query("x.ads.example", A).edns(&COOKIE);
    let first = world.ask(&asked).await;
    assert!(is_small(&asked, &first) && first.of(6).is_empty());
    let mut shown = world.proved(query("x.ads.example", A)).await;
    let proved = world.ask(&shown).await;
    assert_eq!((proved.word(), proved.of(6).len()), (Some("blocked_by_rule"), 1));
    let (_, options) = shown.edns.as_mut().unwrap();
    options[20] ^= 1;
    assert!(world.ask(&shown).await.of(6).is_empty(), "a forged one proves nothing");
}

#[tokio::test]
async fn large_answers_end_with_the_allowance_and_go_on_over_tcp() {
    let mut options = options();
    options["limits"]["udp_allowance"] = 256.into();
    options["clients"] = json!(["127.0.0.0/8", "192.0.2.0/24"]);
    // Four seconds of it at once, and what comes while the test asks.
    let world = world_with(&options, |_| {}).await;
    let asked = query("told-1.example.org", 16).edns(&[]);
    let replies = async |count: usize| {
        let mut whole = 0;
        for _ in 0..count {
            let reply =
                send(&world.core, &asked.octets(), Transport::Udp, "192.0.2.1").await.unwrap();
            assert_eq!(reply.rcode(), 0);
            assert_eq!(reply.is_truncated(), reply.of(16).is_empty());
            assert!(!reply.is_truncated() || is_small(&asked, &reply));
            whole += usize::from(!reply.is_truncated());
        }
        whole
    };
    let octets = world.ask_over(&asked, Transport::Tcp).await.octets.len();
    let excess = octets - asked.octets().len() * 3 / 2;
    let whole = replies(100).await;
    assert!((1..100).contains(&whole) && whole <= 4 * 256 / excess + 2, "{whole} of {octets}");
    assert_eq!(world.core.stats()["totals"]["udp_cut"], 100 - whole);
    assert_eq!(world.ask(&asked).await.of(16).len(), 1, "who is on this machine pays nothing");
    let small = world.ask(&query("www.example.org", A)).await;
    assert_eq!(small.of(A).len(), 1, "what is small is answered");
    assert_eq!(world.ask_over(&asked, Transport::Tcp).await.of(16).len(), 1);
}
