//! DNS over HTTPS: what HTTP adds.

use std::sync::Arc;

use keyhole_core::document::UpstreamProtocol;
use tokio::sync::watch;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Setup};
use super::{NEVER_MS, ask, prepare};

#[tokio::test]
async fn the_age_of_a_cached_http_response_counts() {
    let authority = Authority::new();
    let script = |asked: &ReceivedQuery| {
        let headers = vec![("content-type", "application/DNS-message; charset=x"), ("age", "100")];
        Does::SaysHttp(200, headers, asked.address(1, 300))
    };
    let server = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
    let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    assert_eq!(ask(&set, "a.example").await.unwrap().age, 100);
}

#[tokio::test]
async fn goaway_lets_running_queries_end_and_new_ones_go_elsewhere() {
    let authority = Authority::new();
    let (open, gate) = watch::channel(false);
    let script = move |asked: &ReceivedQuery| match asked.number {
        0 => Does::Waits(gate.clone(), asked.address(1, 300)),
        1 => Does::SaysGoodbye(asked.address(2, 300)),
        _ => Does::Says(asked.address(3, 300)),
    };
    let server = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
    let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    let running = tokio::spawn({
        let set = Arc::clone(&set);
        async move { ask(&set, "a.example").await }
    });
    server.until(|server| server.queries().len() == 1).await;
    assert!(ask(&set, "b.example").await.is_ok());
    assert!(ask(&set, "c.example").await.is_ok());
    open.send(true).unwrap();
    assert!(running.await.unwrap().is_ok());
    assert!(ask(&set, "d.example").await.is_ok());
    let connections: Vec<_> = server.queries().iter().map(|asked| asked.connection).collect();
    assert_eq!(connections[0], connections[1]);
    assert!(server.connections() <= 2);
    assert_eq!(connections.last(), Some(&1));
}

#[tokio::test]
async fn a_query_does_not_wait_behind_slow_ones_on_a_connection_that_is_full() {
    let authority = Authority::new();
    let (open, gate) = watch::channel(false);
    let script = move |asked: &ReceivedQuery| {
        let slow = asked.label().starts_with(b"slow");
        let answer = asked.address(1, 300);
        if slow { Does::Waits(gate.clone(), answer) } else { Does::Says(answer) }
    };
    let setup = Setup { streams: 3, ..Setup::new(UpstreamProtocol::Doh, &authority) };
    let server = setup.run(script).await;
    let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    // The first answer tells how many streams there are.
    assert!(ask(&set, "first.example").await.is_ok());
    let slow: Vec<_> = (0..3)
        .map(|number| {
            let set = Arc::clone(&set);
            tokio::spawn(async move { ask(&set, &format!("slow{number}.example")).await })
        })
        .collect();
    server.until(|server| server.queries().len() == 4).await;
    assert!(ask(&set, "quick.example").await.is_ok());
    assert_eq!(server.connections(), 2);
    open.send(true).unwrap();
    for one in slow {
        assert!(one.await.unwrap().is_ok());
    }
}
