//! What an upstream has not processed is put to it again, and never without end.

use std::sync::Arc;
use std::time::Duration;

use keyhole_core::Reason;
use keyhole_core::document::UpstreamProtocol;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};
use super::{NEVER_MS, ask, ask_for, document, last_error, prepare, set_document};

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
    let asked = ask_for(&set, "a.example", Duration::from_secs(1)).await;
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
    let asked = ask_for(&set, "a.example", Duration::from_secs(2)).await;
    assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
    let asked = server.queries().len();
    assert!((3..=9).contains(&asked), "{asked} messages");
}

#[tokio::test]
async fn a_query_waits_for_a_lone_upstream_that_restarts() {
    let authority = Authority::new();
    for protocol in [UpstreamProtocol::Doh, UpstreamProtocol::Dot, UpstreamProtocol::Tcp] {
        // At first it ends each connection, then it refuses them, then it is back.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (upstreams, set) = prepare(&[document(protocol, address, &authority)], NEVER_MS);
        let asked = tokio::spawn(async move { ask(&set, "a.example").await });
        for _ in 0..4 {
            drop(listener.accept().await.unwrap());
        }
        drop(listener);
        while !last_error(&upstreams, 0).starts_with("connection refused") {
            tokio::task::yield_now().await;
        }
        let listener = TcpListener::bind(address).await.unwrap();
        let script = |asked: &ReceivedQuery| Does::Says(asked.address(1, 300));
        let _server = Setup::new(protocol, &authority).run_on(listener, script);
        assert!(asked.await.unwrap().is_ok(), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_query_waits_for_an_upstream_that_restarts_whatever_is_wrong_with_the_others() {
    let authority = Authority::new();
    for (name, kind) in [("example.net", "untrusted"), ("dns.example.org", "invalid")] {
        let wrong = Setup { names: &[name], ..Setup::new(UpstreamProtocol::Doh, &authority) };
        let wrong = wrong.run(|_| Does::SaysHttp(404, vec![], Vec::new())).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let away = document(UpstreamProtocol::Doh, address, &authority);
        let (upstreams, set) = prepare(&[away, wrong.document(&authority)], NEVER_MS);
        let asking = Arc::clone(&set);
        let asked = tokio::spawn(async move { ask(&asking, "a.example").await });
        while upstreams.stats()[1]["failed"][kind] == 0 {
            tokio::task::yield_now().await;
        }
        let listener = TcpListener::bind(address).await.unwrap();
        let script = |asked: &ReceivedQuery| Does::Says(asked.address(1, 300));
        let _server = Setup::new(UpstreamProtocol::Doh, &authority).run_on(listener, script);
        assert_eq!(asked.await.unwrap().unwrap().upstream, 0, "{kind}");
        assert_eq!(upstreams.stats()[1]["failed"][kind], 1, "it is not asked again");
    }
}

const PLAIN: (&str, &str) = ("content-type", "application/dns-message");

#[tokio::test]
async fn a_query_is_put_again_to_a_server_that_has_no_time_for_it() {
    let authority = Authority::new();
    // RFC 9110 section 15, RFC 6585 section 4, RFC 8470 section 5.2.
    for status in [408, 421, 425, 429, 500, 502, 503, 504] {
        let script = move |asked: &ReceivedQuery| match asked.number {
            0..=1 => Does::SaysHttp(status, vec![("retry-after", "0")], b"later".to_vec()),
            _ => Does::SaysHttp(203, vec![PLAIN], asked.address(1, 300)),
        };
        let server = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
        let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        assert!(ask(&set, "a.example").await.is_ok(), "status {status}");
        assert_eq!(server.queries().len(), 3, "status {status}");
        assert_eq!(upstreams.stats()[0]["failed"]["invalid"], 0);
    }
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_and_meanwhile_others_are_asked() {
    let authority = Authority::new();
    let script = |asked: &ReceivedQuery| match asked.number {
        0 => Does::SaysHttp(429, vec![("retry-after", "1")], Vec::new()),
        _ => Does::Says(asked.address(1, 300)),
    };
    let busy = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
    let good = Server::answering(UpstreamProtocol::Dot, &authority, 7).await;
    let documents = [busy.document(&authority), good.document(&authority)];
    let (upstreams, set) = prepare(&documents, NEVER_MS);
    assert_eq!(ask(&set, "a.example").await.unwrap().upstream, 1);
    assert_eq!(last_error(&upstreams, 0), "answered with HTTP status 429 and asks to wait 1 s");
    assert_eq!(upstreams.stats()[0]["healthy"], false);
    let one = set_document(1, NEVER_MS, NEVER_MS);
    let alone = upstreams.prepare(&documents[..1], &[one]).unwrap().remove(0);
    let asked = ask_for(&alone, "b.example", Duration::from_millis(300)).await;
    assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
    assert_eq!(busy.queries().len(), 1, "it was left alone");
    assert!(ask(&alone, "c.example").await.is_ok());
    assert_eq!(busy.queries().len(), 2);
}

#[tokio::test]
async fn a_server_that_never_has_time_is_not_asked_without_end() {
    let authority = Authority::new();
    for (status, most) in [(429, 40), (503, 40), (500, 3), (502, 3), (421, 3)] {
        let script = move |_: &ReceivedQuery| Does::SaysHttp(status, vec![], Vec::new());
        let server = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        let asked = ask_for(&set, "a.example", Duration::from_secs(1)).await;
        assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
        let asked = server.queries().len();
        assert!((3..=most).contains(&asked), "status {status}: {asked} messages");
    }
}
