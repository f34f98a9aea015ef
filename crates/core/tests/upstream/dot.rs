//! DNS over TLS and TCP: many queries on one connection.

use std::collections::HashSet;
use std::sync::Arc;

use keyhole_core::document::UpstreamProtocol;
use keyhole_core::tls_version::TlsVersion;
use keyhole_wire::RecordType;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};
use super::{NEVER_MS, ask, name, permit, prepare, soon};

const HTTP: [UpstreamProtocol; 2] = [UpstreamProtocol::Doh, UpstreamProtocol::DohCleartext];
const ALL: [UpstreamProtocol; 4] = [UpstreamProtocol::Dot, UpstreamProtocol::Tcp, HTTP[0], HTTP[1]];

#[tokio::test]
async fn answers_reach_their_askers_in_any_order() {
    let authority = Authority::new();
    for protocol in ALL {
        let (open, gate) = watch::channel(false);
        let script = move |asked: &ReceivedQuery| {
            let last = String::from_utf8_lossy(&asked.label()[1..]).parse().unwrap();
            Does::Waits(gate.clone(), asked.address(last, 300))
        };
        let server = Setup::new(protocol, &authority).run(script).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        let mut tasks = JoinSet::new();
        for last in 0..90u8 {
            let set = Arc::clone(&set);
            tasks.spawn(async move {
                let asked = ask(&set, &format!("n{last}.example")).await.unwrap();
                let is_secured =
                    ![UpstreamProtocol::Tcp, UpstreamProtocol::DohCleartext].contains(&protocol);
                let tls = is_secured.then_some(TlsVersion::Tls13);
                assert_eq!(asked.tls, tls);
                let record = asked.answer.records().next().unwrap();
                assert_eq!(*record.data(), [192, 0, 2, last]);
            });
        }
        server.until(|server| server.queries().len() == 90).await;
        open.send(true).unwrap();
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        assert_eq!(server.connections(), 1);
        if !HTTP.contains(&protocol) {
            let ids: HashSet<_> = server.queries().iter().map(ReceivedQuery::id).collect();
            assert_eq!(ids.len(), 90, "identifiers on one connection are unique");
        }
    }
}

#[tokio::test]
async fn a_query_says_nothing_but_name_and_type() {
    let authority = Authority::new();
    for protocol in ALL {
        let server = Server::answering(protocol, &authority, 1).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        for text in ["a.example", "a-much-longer-name-than-that.of-some-zone.example"] {
            ask(&set, text).await.unwrap();
        }
        for asked in server.queries() {
            assert_eq!(asked.octets.len() % 128, 0, "padded");
            // RD; one question, one additional record.
            assert_eq!(asked.octets[2..12], [1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
            let options = &asked.octets[12 + asked.question().len() + 11..];
            assert_eq!(options[..2], [0, 12], "padding is the only option");
            let padding = usize::from(u16::from_be_bytes([options[2], options[3]]));
            assert_eq!(options.len(), 4 + padding);
            if HTTP.contains(&protocol) {
                assert_eq!(asked.id(), 0);
            }
        }
        assert_eq!(server.connections(), 1, "the connection is reused");
    }
}

#[tokio::test]
async fn too_many_queries_under_way_open_a_second_connection_and_then_no_more() {
    let authority = Authority::new();
    let (open, gate) = watch::channel(false);
    let script = move |asked: &ReceivedQuery| Does::Waits(gate.clone(), asked.address(1, 300));
    let server = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
    let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    let mut tasks = JoinSet::new();
    for number in 0..2500 {
        let set = Arc::clone(&set);
        tasks.spawn(async move {
            set.ask(
                permit().permitted(),
                &name(&format!("n{number}.example")),
                RecordType::A,
                soon(),
            )
            .await
            .is_ok()
        });
    }
    server.until(|server| server.queries().len() == 2000).await;
    open.send(true).unwrap();
    // What found no room waited for its turn.
    while let Some(answered) = tasks.join_next().await {
        assert!(answered.unwrap());
    }
    assert_eq!(server.queries().len(), 2500);
    assert_eq!(server.connections(), 2);
    assert_eq!(upstreams.stats()[0]["failed"]["busy"], 0);
}

#[tokio::test]
async fn a_late_answer_to_a_query_that_was_taken_back_harms_nobody() {
    let authority = Authority::new();
    let (open, gate) = watch::channel(false);
    let script = move |asked: &ReceivedQuery| match asked.number {
        0 => Does::Waits(gate.clone(), asked.address(66, 300)),
        _ => Does::Says(asked.address(1, 300)),
    };
    let server = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
    let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    let leaving = tokio::spawn({
        let set = Arc::clone(&set);
        async move { ask(&set, "a.example").await.is_ok() }
    });
    server.until(|server| server.queries().len() == 1).await;
    leaving.abort();
    assert!(leaving.await.is_err());
    open.send(true).unwrap();
    while upstreams.stats()[0]["flawed_messages"] == 0 {
        let asked = ask(&set, "b.example").await.unwrap();
        assert_eq!(*asked.answer.records().next().unwrap().data(), [192, 0, 2, 1]);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn over_tls_what_is_no_response_or_repeats_no_question_ends_its_try_at_once() {
    let spoil: [fn(&mut Vec<u8>); 5] = [
        |message| message.truncate(2),
        |message| message.truncate(11),
        |message| message[2] ^= 0x80,
        |message| message[2] |= 0x10,
        |message| message[5] = 0,
    ];
    let authority = Authority::new();
    for spoil in spoil {
        let script = move |asked: &ReceivedQuery| {
            let mut message = asked.address(66, 300);
            spoil(&mut message);
            Does::Says(message)
        };
        let server = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
        let good = Server::answering(UpstreamProtocol::Dot, &authority, 7).await;
        let documents = [server.document(&authority), good.document(&authority)];
        let (upstreams, set) = prepare(&documents, NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap().upstream, 1);
        assert_eq!(upstreams.stats()[0]["failed"]["invalid"], 1);
    }
}

#[test]
fn a_connection_serves_every_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let authority = Authority::new();
    let servers = runtime();
    let server = servers.block_on(Server::answering(UpstreamProtocol::Dot, &authority, 1));
    std::thread::spawn(move || servers.block_on(std::future::pending::<()>()));
    let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    let first = runtime();
    first.block_on(async { ask(&set, "a.example").await.unwrap() });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let driver = std::thread::spawn(move || first.block_on(stopped).unwrap());
    let second = runtime();
    second.block_on(async { ask(&set, "b.example").await.unwrap() });
    assert_eq!(server.connections(), 1);
    // The runtime that drives the connection ends; the next query opens another one.
    stop.send(()).unwrap();
    driver.join().unwrap();
    second.block_on(async { ask(&set, "c.example").await.unwrap() });
    assert_eq!(server.connections(), 2);
}
