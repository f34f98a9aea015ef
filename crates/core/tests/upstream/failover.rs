//! What happens when an upstream fails, in every way that it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use keyhole_core::Reason;
use keyhole_core::document::{UpstreamDocument, UpstreamProtocol};
use keyhole_core::upstream::{UpstreamSet, Upstreams};
use keyhole_wire::{Rcode, RecordType};
use tokio::net::TcpListener;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};

/// What a server does with a question, given one header of HTTP.
type Script = fn(&ReceivedQuery, (&'static str, &'static str)) -> Does;
/// The same over a stream.
type StreamScript = fn(&ReceivedQuery) -> Does;
use super::{
    NEVER_MS, ask, ask_for, document, last_error, name, permit, prepare, set_document, soon,
};

const BOTH: [UpstreamProtocol; 2] = [UpstreamProtocol::Dot, UpstreamProtocol::Doh];

/// Asks a set whose first upstream follows the script and whose second one is good.
async fn second_answers(
    protocol: UpstreamProtocol,
    hedge_ms: u64,
    script: impl Fn(&ReceivedQuery) -> Does + Send + Sync + 'static,
) -> (Server, Upstreams, Arc<UpstreamSet>) {
    let authority = Authority::new();
    let bad = Setup::new(protocol, &authority).run(script).await;
    let good = Server::answering(protocol, &authority, 7).await;
    let documents = [bad.document(&authority), good.document(&authority)];
    let (upstreams, set) = prepare(&documents, hedge_ms);
    let asked = ask(&set, "a.example").await.unwrap();
    assert_eq!(asked.upstream, 1);
    assert_eq!(asked.answer.rcode(), Rcode::NOERROR);
    assert_eq!(good.queries().len(), 1);
    (bad, upstreams, set)
}

/// An address where nothing listens.
async fn closed_port() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_refused_connection_leads_to_the_next_upstream_at_once() {
    let authority = Authority::new();
    for protocol in BOTH {
        let closed = closed_port().await;
        let good = Server::answering(protocol, &authority, 7).await;
        let documents = [document(protocol, closed, &authority), good.document(&authority)];
        let (upstreams, set) = prepare(&documents, NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap().upstream, 1);
        assert_eq!(last_error(&upstreams, 0), format!("connection refused at {closed}"));
        assert_eq!(upstreams.stats()[0]["healthy"], false);
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_leads_to_the_next_upstream_at_once() {
    for protocol in BOTH {
        let (bad, ..) = second_answers(protocol, NEVER_MS, |_| Does::Resets).await;
        assert_eq!(bad.queries().len(), 1);
    }
}

#[tokio::test]
async fn silence_leads_to_a_second_try_beside_the_first() {
    for protocol in BOTH {
        second_answers(protocol, 50, |_| Does::KeepsSilent).await;
    }
}

#[tokio::test]
async fn the_slow_loser_is_taken_back() {
    let (bad, ..) = second_answers(UpstreamProtocol::Doh, 50, |_| Does::KeepsSilent).await;
    bad.until(|bad| bad.resets() == 1).await;
}

#[tokio::test]
async fn an_upstream_that_accepts_and_then_says_nothing_is_passed_over() {
    let authority = Authority::new();
    for protocol in BOTH {
        let black_hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = black_hole.local_addr().unwrap();
        let good = Server::answering(protocol, &authority, 7).await;
        let documents = [document(protocol, address, &authority), good.document(&authority)];
        let (_upstreams, set) = prepare(&documents, 50);
        assert_eq!(ask(&set, "a.example").await.unwrap().upstream, 1);
    }
}

#[tokio::test]
async fn the_last_upstream_is_asked_whatever_the_ones_before_it_do() {
    let authority = Authority::new();
    let scripts: [fn(&ReceivedQuery) -> Does; 3] =
        [|_| Does::KeepsSilent, |_| Does::Resets, |asked| Does::Says(asked.other_question())];
    for (script, hedge_ms, timeout_ms) in [
        (scripts[0], 50, 500),
        (scripts[0], 400, 500),
        (scripts[1], 400, 500),
        (scripts[2], 50, 500),
    ] {
        let mut documents = Vec::new();
        for _ in 0..5 {
            let bad = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
            documents.push(bad.document(&authority));
        }
        let good = Server::answering(UpstreamProtocol::Dot, &authority, 7).await;
        documents.push(good.document(&authority));
        let upstreams = Upstreams::new();
        let set = set_document(documents.len(), hedge_ms, timeout_ms);
        let set = upstreams.prepare(&documents, &[set]).unwrap().remove(0);
        assert_eq!(ask(&set, "a.example").await.unwrap().upstream, 5);
    }
}

#[tokio::test]
async fn an_upstream_that_lies_about_its_name_is_passed_over() {
    let authority = Authority::new();
    for protocol in BOTH {
        let liar = Setup { names: &["example.net"], ..Setup::new(protocol, &authority) };
        let liar = liar.run(|asked| Does::Says(asked.address(66, 300))).await;
        let good = Server::answering(protocol, &authority, 7).await;
        let documents = [liar.document(&authority), good.document(&authority)];
        let (_upstreams, set) = prepare(&documents, NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap().upstream, 1);
        assert!(liar.queries().is_empty());
    }
}

#[tokio::test]
async fn what_is_no_answer_over_https_leads_to_the_next_upstream_at_once() {
    let plain = ("content-type", "application/dns-message");
    let scripts: [Script; 7] = [
        |_, _| Does::Says(b"garbage".to_vec()),
        |_, _| Does::Says(Vec::new()),
        |asked, _| Does::Says(asked.other_question()),
        |asked, _| Does::SaysHttp(200, vec![("content-type", "text/html")], asked.address(66, 300)),
        |asked, _| Does::SaysHttp(200, vec![], asked.address(66, 300)),
        |asked, plain| {
            let endless = [asked.address(66, 300), vec![0; 66_000]].concat();
            Does::SaysHttp(200, vec![plain], endless)
        },
        |asked, plain| {
            let mut wrong_id = asked.address(66, 300);
            wrong_id[0] = 1;
            Does::SaysHttp(200, vec![plain], wrong_id)
        },
    ];
    for script in scripts {
        let script = move |asked: &ReceivedQuery| script(asked, plain);
        let (_bad, upstreams, _set) = second_answers(UpstreamProtocol::Doh, NEVER_MS, script).await;
        assert_eq!(upstreams.stats()[0]["failed"]["invalid"], 1);
        assert_eq!(upstreams.stats()[0]["healthy"], true, "nonsense does not take it out of use");
    }
}

#[tokio::test]
async fn what_is_no_answer_over_a_stream_does_not_end_the_wait() {
    let scripts: [(UpstreamProtocol, StreamScript); 4] = [
        (UpstreamProtocol::Dot, |asked| {
            Does::SaysAll(vec![asked.other_question(), asked.address(1, 300)])
        }),
        // Over TCP anybody on the way can have sent that.
        (UpstreamProtocol::Tcp, |asked| {
            Does::SaysAll(vec![asked.octets[..2].to_vec(), asked.address(1, 300)])
        }),
        (UpstreamProtocol::Dot, |asked| {
            Does::SaysAll(vec![Vec::new(), b"garbage".to_vec(), asked.address(1, 300)])
        }),
        (UpstreamProtocol::Dot, |asked| {
            let mut wrong_id = asked.address(66, 300);
            wrong_id[0] ^= 1;
            Does::SaysAll(vec![wrong_id, asked.address(1, 300)])
        }),
    ];
    let authority = Authority::new();
    for (protocol, script) in scripts {
        let server = Setup::new(protocol, &authority).run(script).await;
        let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        assert!(ask(&set, "a.example").await.is_ok());
        assert!(upstreams.stats()[0]["flawed_messages"].as_u64().unwrap() >= 1);
    }
}

#[tokio::test]
async fn an_upstream_that_only_sends_nonsense_is_invalid_and_not_slow() {
    let authority = Authority::new();
    let script = |asked: &ReceivedQuery| Does::Says(asked.other_question());
    let server = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
    let upstreams = Upstreams::new();
    let set = set_document(1, NEVER_MS, 100);
    let set = upstreams.prepare(&[server.document(&authority)], &[set]).unwrap().remove(0);
    assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamInvalid);
}

#[tokio::test]
async fn an_upstream_that_stays_silent_ends_in_a_timeout() {
    let authority = Authority::new();
    for protocol in BOTH {
        let script = |_: &ReceivedQuery| Does::KeepsSilent;
        let server = Setup::new(protocol, &authority).run(script).await;
        let upstreams = Upstreams::new();
        let set = set_document(1, NEVER_MS, 200);
        let set = upstreams.prepare(&[server.document(&authority)], &[set]).unwrap().remove(0);
        assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamTimeout);
        let deadline = std::time::Instant::now();
        let asked =
            set.ask(permit().permitted(), &name("b.example"), RecordType::A, deadline).await;
        assert_eq!(asked.unwrap_err(), Reason::UpstreamTimeout);
    }
}

#[tokio::test]
async fn a_failure_to_resolve_counts_once_all_were_asked() {
    for protocol in BOTH {
        let (bad, ..) = second_answers(protocol, NEVER_MS, |asked| Does::Says(asked.code(2))).await;
        assert_eq!(bad.queries().len(), 1);
    }
    let authority = Authority::new();
    let mut servers = Vec::new();
    for _ in 0..3 {
        let script = |asked: &ReceivedQuery| Does::Says(asked.code(2));
        servers.push(Setup::new(UpstreamProtocol::Dot, &authority).run(script).await);
    }
    let documents: Vec<_> = servers.iter().map(|server| server.document(&authority)).collect();
    let (upstreams, set) = prepare(&documents, NEVER_MS);
    assert_eq!(ask(&set, "a.example").await.unwrap().answer.rcode(), Rcode::SERVFAIL);
    let asked: Vec<_> = servers.iter().map(|server| server.queries().len()).collect();
    assert_eq!(asked, [1, 1, 1]);
    assert_eq!(upstreams.stats()[0]["healthy"], true);
}

#[tokio::test]
async fn one_question_becomes_a_few_messages_however_many_connections_are_reset() {
    let authority = Authority::new();
    let mut servers = Vec::new();
    for _ in 0..6 {
        let script = |_: &ReceivedQuery| Does::Resets;
        servers.push(Setup::new(UpstreamProtocol::Dot, &authority).run(script).await);
    }
    let documents: Vec<_> = servers.iter().map(|server| server.document(&authority)).collect();
    let (_upstreams, set) = prepare(&documents, NEVER_MS);
    let asked = ask_for(&set, "a.example", Duration::from_secs(2)).await;
    assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
    let asked: usize = servers.iter().map(|server| server.queries().len()).sum();
    // One for each upstream and two repetitions, and one more in each further round: the upstreams
    // may be restarting.
    assert!((6..=16).contains(&asked), "{asked} messages");
}

#[tokio::test]
async fn a_connection_that_dies_is_replaced_and_its_query_sent_once_more() {
    let authority = Authority::new();
    for protocol in BOTH {
        let script = |asked: &ReceivedQuery| match asked.number {
            1 => Does::Resets,
            _ => Does::Says(asked.address(1, 300)),
        };
        let server = Setup::new(protocol, &authority).run(script).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        assert!(ask(&set, "a.example").await.is_ok());
        assert!(ask(&set, "b.example").await.is_ok());
        assert_eq!((server.queries().len(), server.connections()), (3, 2));
    }
}

#[tokio::test]
async fn a_silent_connection_is_hedged_with_another_one() {
    let authority = Authority::new();
    for protocol in BOTH {
        let script = |asked: &ReceivedQuery| match asked.connection {
            0 => Does::KeepsSilent,
            _ => Does::Says(asked.address(1, 300)),
        };
        let server = Setup::new(protocol, &authority).run(script).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], 100);
        assert!(ask(&set, "a.example").await.is_ok());
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn an_upstream_that_stays_silent_is_not_asked_first_any_more() {
    let authority = Authority::new();
    let back = Arc::new(AtomicBool::new(false));
    let script = {
        let back = Arc::clone(&back);
        move |asked: &ReceivedQuery| match back.load(SeqCst) {
            true => Does::Says(asked.address(1, 300)),
            false => Does::KeepsSilent,
        }
    };
    let silent = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
    let good = Server::answering(UpstreamProtocol::Dot, &authority, 7).await;
    let documents = [silent.document(&authority), good.document(&authority)];
    let (upstreams, set) = prepare(&documents, 50);
    let healthy = |place: usize| upstreams.stats()[place]["healthy"] == true;
    for number in 0.. {
        assert_eq!(ask(&set, &format!("n{number}.example")).await.unwrap().upstream, 1);
        if !healthy(0) {
            break;
        }
        assert!(number < 10, "ten silent queries and still healthy");
    }
    // Real queries find out that it is back, and from then on it is asked first again.
    back.store(true, SeqCst);
    while !healthy(0) {
        assert!(ask(&set, "c.example").await.is_ok());
    }
    assert_eq!(ask(&set, "d.example").await.unwrap().upstream, 0);
}

#[tokio::test]
async fn an_upstream_that_refused_is_used_again_once_it_is_back() {
    let authority = Authority::new();
    let address = closed_port().await;
    let documents: Vec<UpstreamDocument> =
        vec![document(UpstreamProtocol::Doh, address, &authority)];
    let (_upstreams, set) = prepare(&documents, NEVER_MS);
    let asked = ask_for(&set, "a.example", Duration::from_millis(100)).await;
    assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
    let listener = TcpListener::bind(address).await.unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let script = |asked: &ReceivedQuery| Does::Says(asked.address(1, 300));
    let _server = Setup::new(UpstreamProtocol::Doh, &authority).run_on(listener, script);
    while ask(&set, "a.example").await.is_err() {
        accepted.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_next_address_is_used_when_the_first_fails() {
    let authority = Authority::new();
    let closed = closed_port().await;
    let good = Server::answering(UpstreamProtocol::Dot, &authority, 7).await;
    let mut document = good.document(&authority);
    document.addresses.insert(0, closed);
    let (_upstreams, set) = prepare(&[document], NEVER_MS);
    assert!(set.ask(permit().permitted(), &name("a.example"), RecordType::A, soon()).await.is_ok());
}

#[tokio::test]
async fn what_repeats_the_question_and_cannot_be_accepted_ends_its_try_at_once() {
    let scripts: [fn(&ReceivedQuery) -> Does; 3] = [
        |asked| {
            let mut cut = asked.address(1, 300);
            cut[2] |= 2;
            Does::Says(cut)
        },
        |asked| {
            let mut short = asked.address(1, 300);
            short.pop();
            Does::Says(short)
        },
        |asked| {
            let mut lying = asked.address(1, 300);
            lying[7] = 9;
            Does::Says(lying)
        },
    ];
    let authority = Authority::new();
    for protocol in [UpstreamProtocol::Dot, UpstreamProtocol::Tcp] {
        for script in scripts {
            let server = Setup::new(protocol, &authority).run(script).await;
            let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
            for text in ["a.example", "b.example"] {
                assert_eq!(ask(&set, text).await.unwrap_err(), Reason::UpstreamInvalid);
            }
            assert_eq!((server.queries().len(), server.connections()), (2, 1));
            assert_eq!(upstreams.stats()[0]["failed"]["invalid"], 2);
        }
    }
}

#[tokio::test]
async fn with_an_answer_in_hand_nobody_waits_for_an_upstream_that_is_away() {
    let authority = Authority::new();
    let script = |asked: &ReceivedQuery| Does::Says(asked.code(5));
    let refusing = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
    let black_hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = document(UpstreamProtocol::Dot, black_hole.local_addr().unwrap(), &authority);
    let (upstreams, set) = prepare(&[refusing.document(&authority), away], NEVER_MS);
    // The first query learns that connecting leads nowhere.
    assert_eq!(ask(&set, "a.example").await.unwrap().answer.rcode(), Rcode::REFUSED);
    assert_eq!(upstreams.stats()[1]["healthy"], false);
    let others = async {
        for number in 0..100 {
            let asked = ask(&set, &format!("n{number}.example")).await.unwrap();
            assert_eq!(asked.answer.rcode(), Rcode::REFUSED);
        }
    };
    tokio::time::timeout(std::time::Duration::from_millis(NEVER_MS), others).await.unwrap();
}

#[tokio::test]
async fn every_upstream_is_asked_before_a_failure_counts_and_the_best_one_counts() {
    let authority = Authority::new();
    for protocol in BOTH {
        let mut servers = Vec::new();
        for code in [5, 2, 5, 5] {
            let script = move |asked: &ReceivedQuery| Does::Says(asked.code(code));
            servers.push(Setup::new(protocol, &authority).run(script).await);
        }
        let mut documents: Vec<_> =
            servers.iter().map(|server| server.document(&authority)).collect();
        let (_upstreams, set) = prepare(&documents, NEVER_MS);
        let asked = ask(&set, "a.example").await.unwrap();
        assert_eq!((asked.answer.rcode(), asked.upstream), (Rcode::SERVFAIL, 1));
        assert!(servers.iter().all(|server| server.queries().len() == 1));
        let good = Server::answering(protocol, &authority, 7).await;
        documents.push(good.document(&authority));
        let (_upstreams, set) = prepare(&documents, NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap().upstream, 4);
    }
}

#[tokio::test]
async fn an_upstream_that_refuses_everything_or_fails_where_others_do_not_is_set_aside() {
    let authority = Authority::new();
    for code in [5, 2] {
        let script = move |asked: &ReceivedQuery| Does::Says(asked.code(code));
        let failing = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
        let good = Server::answering(UpstreamProtocol::Dot, &authority, 7).await;
        let documents = [failing.document(&authority), good.document(&authority)];
        let (upstreams, set) = prepare(&documents, NEVER_MS);
        for number in 0..10 {
            assert_eq!(ask(&set, &format!("n{number}.example")).await.unwrap().upstream, 1);
        }
        assert_eq!(upstreams.stats()[0]["healthy"], false);
        assert_eq!(upstreams.stats()[1]["healthy"], true);
    }
}

#[tokio::test]
async fn an_upstream_that_only_answers_with_errors_of_http_is_set_aside_and_says_why() {
    let authority = Authority::new();
    let page = ("content-type", "text/html");
    let statuses = [301, 401, 403, 404, 421, 500, 501, 502, 504];
    let statuses = statuses.map(|status| (status, format!("answered with HTTP status {status}")));
    let no_dns = (200, "answered with content type \"text/html\"".to_owned());
    for (status, words) in statuses.into_iter().chain([no_dns]) {
        let script = move |_: &ReceivedQuery| Does::SaysHttp(status, vec![page], Vec::new());
        let failing = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
        let good = Server::answering(UpstreamProtocol::Dot, &authority, 7).await;
        let documents = [failing.document(&authority), good.document(&authority)];
        let (upstreams, set) = prepare(&documents, NEVER_MS);
        for number in 0..10 {
            assert_eq!(ask(&set, &format!("n{number}.example")).await.unwrap().upstream, 1);
        }
        assert_eq!(upstreams.stats()[0]["healthy"], false, "{words}");
        assert_eq!(last_error(&upstreams, 0), words);
    }
}

#[tokio::test]
async fn an_upstream_that_cannot_read_edns_is_asked_once_without_it() {
    let authority = Authority::new();
    let script = |asked: &ReceivedQuery| match asked.octets[11] {
        0 => Does::Says(asked.address(1, 300)),
        _ => Does::Says(asked.code(1)),
    };
    for protocol in BOTH {
        let server = Setup::new(protocol, &authority).run(script).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap().answer.rcode(), Rcode::NOERROR);
        let never = |asked: &ReceivedQuery| Does::Says(asked.code(1));
        let server = Setup::new(protocol, &authority).run(never).await;
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamInvalid);
        assert_eq!(server.queries().len(), 2);
    }
}
