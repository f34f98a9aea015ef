//! What an upstream has not processed is put to it again, and never without end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_core::Reason;
use keyhole_core::document::UpstreamProtocol;
use keyhole_wire::RecordType;
use tokio::task::JoinSet;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};
use super::{NEVER_MS, ask, name, permit, prepare};

#[tokio::test]
async fn a_refused_stream_is_repeated_on_its_connection_which_stays() {
    let authority = Authority::new();
    let script = |asked: &ReceivedQuery| match asked.number {
        0..=5 => Does::Refuses,
        _ => Does::Says(asked.address(1, 300)),
    };
    let server = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
    let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    assert!(ask(&set, "a.example").await.is_ok());
    assert_eq!((server.queries().len(), server.connections()), (7, 1));
    assert_eq!(upstreams.stats()[0]["failed"]["unprocessed"], 6);
    assert_eq!(upstreams.stats()[0]["healthy"], true);
}

#[tokio::test]
async fn a_server_that_refuses_for_ever_is_left_for_another_and_not_asked_without_end() {
    let authority = Authority::new();
    let refusing = Setup::new(UpstreamProtocol::Doh, &authority).run(|_| Does::Refuses).await;
    let (_upstreams, set) = prepare(&[refusing.document(&authority)], NEVER_MS);
    let deadline = Instant::now() + Duration::from_secs(1);
    let asked = set.ask(permit().permitted(), &name("a.example"), RecordType::A, deadline).await;
    assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
    assert!(refusing.queries().len() < 40, "{} queries", refusing.queries().len());

    let good = Server::answering(UpstreamProtocol::Doh, &authority, 7).await;
    let documents = [refusing.document(&authority), good.document(&authority)];
    let (upstreams, set) = prepare(&documents, NEVER_MS);
    for number in 0..20 {
        assert_eq!(ask(&set, &format!("n{number}.example")).await.unwrap().upstream, 1);
    }
    assert_eq!(upstreams.stats()[0]["healthy"], false, "others are asked first");
}

#[tokio::test]
async fn no_query_is_lost_on_connections_that_end_after_a_few_answers() {
    let authority = Authority::new();
    for protocol in [UpstreamProtocol::Dot, UpstreamProtocol::Tcp] {
        let script = |asked: &ReceivedQuery| match asked.on_connection {
            9 => Does::SaysLast(asked.address(1, 300)),
            _ => Does::Says(asked.address(1, 300)),
        };
        let server = Setup::new(protocol, &authority).run(script).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        let mut tasks = JoinSet::new();
        for number in 0..100 {
            let set = Arc::clone(&set);
            tasks.spawn(async move { ask(&set, &format!("n{number}.example")).await });
        }
        while let Some(asked) = tasks.join_next().await {
            assert!(asked.unwrap().is_ok());
        }
        assert!(server.connections() >= 10);
    }
}

#[tokio::test]
async fn connections_that_bring_no_answer_are_bounded() {
    let authority = Authority::new();
    let script = |_: &ReceivedQuery| Does::SaysLast(Vec::new());
    let server = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
    let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamUnreachable);
    assert_eq!(server.queries().len(), 3);
}
