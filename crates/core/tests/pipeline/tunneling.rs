//! Budgets of name octets, where queries go by.

use keyhole_core::explain::explain;
use keyhole_core::transport::Transport;
use serde_json::{Value, json};

use super::message::{A, AAAA, query};
use super::world::{World, options, send, world_with};

async fn world(mode: &str, change: impl FnOnce(&mut Value)) -> World {
    world_with(&options(), |document| {
        document["policies"][0]["tunneling"] = json!({
            "mode": mode, "alert": 128, "throttle": 512, "block": 512, "day": 1_024,
            "exempt": [{"domain": "cdn.example", "reason": "test", "until": 9_999_999_999_i64}],
        });
        change(document);
    })
    .await
}

/// Asks for so many new names of 64 octets; gives the words of the replies.
async fn tunnel(world: &World, domain: &str, names: usize) -> Vec<Option<String>> {
    let mut words = Vec::new();
    for number in 0..names {
        let name = format!("{number:062}.x.{domain}");
        let reply = world.ask(&query(&name, A).edns(&[])).await;
        words.push(reply.word().map(str::to_owned));
    }
    words
}

fn blocked(words: &[Option<String>]) -> Vec<usize> {
    let is_blocked = |word: &Option<String>| word.as_deref() == Some("tunnel_budget");
    words.iter().enumerate().filter(|(_, word)| is_blocked(word)).map(|(at, _)| at).collect()
}

#[tokio::test]
async fn a_tunnel_is_refused_when_its_budget_is_used_up_and_others_are_not() {
    let world = world("enforce", |_| {}).await;
    assert_eq!(blocked(&tunnel(&world, "evil.example", 12).await), [8, 9, 10, 11]);
    assert_eq!(world.core.stats()["totals"]["tunnel_alerts"], 1);
    let reply = world.ask(&query("www.example.org", A).edns(&[])).await;
    assert_eq!((reply.rcode(), reply.word()), (0, None), "another domain");
    let name = query("new.evil.example", A).edns(&[]);
    let other = send(&world.core, &name.octets(), Transport::Udp, "127.0.0.2").await.unwrap();
    assert_ne!(other.word(), Some("tunnel_budget"), "another client");
    let again = world.ask(&name).await;
    assert_eq!((again.rcode(), again.word()), (5, Some("tunnel_budget")));
}

#[tokio::test]
async fn budgets_that_observe_and_policies_that_do_refuse_nothing() {
    for (budget, policy) in [("observe", "enforce"), ("enforce", "observe")] {
        let world = world(budget, |document| document["policies"][0]["mode"] = json!(policy)).await;
        assert!(blocked(&tunnel(&world, "evil.example", 12).await).is_empty());
        // The one with which it was noted, and those that would have been refused.
        assert_eq!(world.core.stats()["totals"]["observed"], 1 + 4, "{budget} {policy}");
    }
}

#[tokio::test]
async fn what_is_exempt_known_or_answered_here_costs_nothing() {
    let world = world("enforce", |_| {}).await;
    assert!(blocked(&tunnel(&world, "cdn.example", 20).await).is_empty());
    assert!(blocked(&tunnel(&world, "invalid", 20).await).is_empty(), "RFC 6761 section 6.4");
    for _ in 0..40 {
        let reply = world.ask(&query("www.example.org", A).edns(&[])).await;
        assert_eq!(reply.word(), None);
    }
    assert_eq!(world.core.stats()["totals"]["tunnel_alerts"], 0);
}

#[tokio::test]
async fn what_answers_tell_a_client_is_refused_when_it_uses_the_budget_up() {
    for (mode, refused) in [("enforce", 6), ("observe", 0)] {
        let world = world(mode, |_| {}).await;
        let mut words = Vec::new();
        for number in 0..10 {
            let name = format!("told{number}.evil.example");
            words.push(world.ask(&query(&name, 16).edns(&[])).await.word().map(str::to_owned));
        }
        // A name, its type and its answer: 8 + 2 + 120 octets, of 512.
        assert_eq!(blocked(&words).len(), refused + usize::from(refused > 0), "{mode}");
        let again = world.ask(&query("told.cdn.example", 16).edns(&[])).await;
        assert_eq!(again.word(), None, "an exempt domain");
        let totals = &world.core.stats()["totals"];
        assert_eq!(totals["tunnel_alerts"], 1);
    }
}

#[tokio::test]
async fn a_channel_that_is_split_over_clients_gets_no_new_name_through_and_known_ones_pass() {
    for (mode, budgets) in [("enforce", "enforce"), ("observe", "enforce"), ("enforce", "observe")]
    {
        let world = world(budgets, |document| {
            document["policies"][0]["tunneling"]["split"] = json!({"mode": mode, "octets": 128});
        })
        .await;
        let ask = async |client: u32, name: &str| {
            let packet = query(name, A).edns(&[]).octets();
            let client = format!("127.0.0.{client}");
            let reply = send(&world.core, &packet, Transport::Tcp, &client).await.unwrap();
            reply.word() == Some("tunnel_split")
        };
        let mut refused = 0;
        for number in 0..160 {
            let name = format!("{number:060}.evil.example");
            refused += u32::from(ask(1 + number % 80, &name).await);
        }
        let acts = (mode, budgets) == ("enforce", "enforce");
        assert_eq!(refused > 100, acts, "{mode} {budgets}: {refused}");
        assert_eq!(ask(81, "www.evil.example").await, acts, "a new name of a new client");
        assert!(!ask(1, &format!("{:060}.evil.example", 0)).await, "a name that it asked before");
        assert!(!ask(81, "evil.example").await, "the domain itself tells nothing");
        assert!(!ask(81, "x.cdn.example").await && !ask(81, "www.example.org").await);
        let totals = &world.core.stats()["totals"];
        assert_eq!((&totals["tunnel_splits"], &totals["tunnel_alerts"]), (&json!(1), &json!(0)));
    }
}

#[tokio::test]
async fn a_client_that_asks_for_domains_that_do_not_exist_is_noted_and_slowed_if_the_policy_says_so()
 {
    for (mode, slowed) in [("enforce", true), ("observe", false)] {
        let world = world("observe", |document| {
            document["policies"][0]["missing_domains"] = json!(mode);
        })
        .await;
        let ask =
            async |name: &str| world.ask_over(&query(name, A).edns(&[]), Transport::Tcp).await;
        for used in ["www.known.com", "known.org"] {
            assert_eq!(ask(used).await.word(), None);
        }
        let mut refused = 0;
        for number in 0..60 {
            let reply = ask(&format!("unregistered.x{number}.com")).await;
            refused += u32::from(reply.word() == Some("missing_domains"));
        }
        // The 51st is one too many, and then one passes in ten seconds.
        assert_eq!((1..=8).contains(&refused), slowed, "{mode}: {refused}");
        assert!(slowed || refused == 0);
        for used in ["www.known.com", "known.com", "known.org", "x.known.org"] {
            assert_eq!(ask(used).await.word(), None, "a domain that it uses");
        }
        let kinds = [A, AAAA, 65].map(|kind| query("known.org", kind).edns(&[]));
        for asked in &kinds {
            assert_eq!(world.ask_over(asked, Transport::Tcp).await.word(), None);
        }
        let packet = query("unregistered.x998.com", A).edns(&[]).octets();
        let other = send(&world.core, &packet, Transport::Tcp, "127.0.0.2").await.unwrap();
        assert_eq!(other.rcode(), 3, "another client");
        for number in 0..120 {
            ask(&format!("servfail.y{number}.com")).await;
        }
        let totals = &world.core.stats()["totals"];
        assert_eq!(totals["missing_domains"], 1, "{mode}");
    }
    let world = world("observe", |_| {}).await;
    for number in 0..60 {
        world.ask(&query(&format!("unregistered.x{number}.com"), A)).await;
    }
    assert_eq!(world.core.stats()["totals"]["missing_domains"], 0, "nobody looks");
    let world = world_with(&options(), |document| {
        document["policies"][0]["missing_domains"] = json!("enforce");
        document["policies"][0]["tunneling"] = Value::Null;
    })
    .await;
    let ask = async |name: &str, transport| {
        world.ask_over(&query(name, A).edns(&[]), transport).await.word().map(str::to_owned)
    };
    ask("known.org", Transport::Tcp).await;
    let mut refused = [0, 0];
    for number in 0..70 {
        for (place, transport) in [Transport::Tcp, Transport::Udp].into_iter().enumerate() {
            let word = ask(&format!("unregistered.x{number}.com"), transport).await;
            refused[place] += u32::from(word.as_deref() == Some("missing_domains"));
        }
    }
    assert!(refused[0] > 10, "without budgets: {refused:?}");
    assert_eq!(refused[1], 0, "an address that anybody may have written");
    assert_eq!(ask("known.org", Transport::Tcp).await, None, "a domain that it uses");
    for number in 0..120 {
        let packet = query(&format!("servfail.y{number}.com"), A).edns(&[]).octets();
        let reply = send(&world.core, &packet, Transport::Tcp, "127.0.0.9").await.unwrap();
        assert_ne!(reply.word(), Some("missing_domains"), "failures are no misses");
    }
}

#[tokio::test]
async fn without_budgets_nothing_is_counted() {
    let world =
        world("enforce", |document| document["policies"][0]["tunneling"] = Value::Null).await;
    assert!(blocked(&tunnel(&world, "evil.example", 20).await).is_empty());
    assert_eq!(world.core.stats()["totals"]["tunnel_alerts"], 0);
}

#[tokio::test]
async fn an_explanation_says_what_a_query_costs_and_of_which_budget() {
    let world = world("enforce", |_| {}).await;
    let step = |name: &str, kind: &str| {
        let query = json!({"name": name, "type": kind, "transport": "udp"}).to_string();
        let told = explain(world.document.to_string().as_bytes(), query.as_bytes()).unwrap();
        let steps = told["steps"].as_array().unwrap();
        steps.iter().find(|step| step["stage"] == "screen").cloned().unwrap_or_default()
    };
    let told = step("host-seven.evil.example", "TXT");
    assert_eq!(
        (&told["result"], &told["detail"]["domain"]),
        (&json!("free"), &json!("evil.example"))
    );
    assert_eq!((&told["detail"]["octets"], &told["detail"]["block"]), (&json!(12), &json!(512)));
    let exempt = step("x.cdn.example", "A");
    assert_eq!((&exempt["result"], &exempt["detail"]["octets"]), (&json!("exempt"), &json!(0)));
    assert_eq!(exempt["detail"]["exempt"]["reason"], "test");
    assert_eq!(step("x.fbcdn.net", "A")["detail"]["exempt"]["shipped"], true);
}
