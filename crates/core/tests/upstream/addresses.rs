//! Upstreams with two addresses, the first of which takes connections and leads nowhere.

use keyhole_core::document::{UpstreamDocument, UpstreamProtocol};
use keyhole_core::upstream::Upstreams;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};
use super::{NEVER_MS, ask, prepare, set_document};

const BOTH: [UpstreamProtocol; 2] = [UpstreamProtocol::Dot, UpstreamProtocol::Doh];

/// An upstream whose first address follows the script and whose second one answers.
async fn two_addresses(
    protocol: UpstreamProtocol,
    authority: &Authority,
    script: impl Fn(&ReceivedQuery) -> Does + Send + Sync + 'static,
) -> (Server, Server, UpstreamDocument) {
    let first = Setup::new(protocol, authority).run(script).await;
    let second = Server::answering(protocol, authority, 7).await;
    let mut document = first.document(authority);
    document.addresses.push(second.address);
    (first, second, document)
}

#[tokio::test]
async fn an_address_that_ends_each_connection_at_its_first_query_is_left_for_the_next_one() {
    let authority = Authority::new();
    for protocol in BOTH {
        let (_first, second, document) =
            two_addresses(protocol, &authority, |_| Does::Resets).await;
        let (_upstreams, set) = prepare(&[document], NEVER_MS);
        assert!(ask(&set, "a.example").await.is_ok(), "{protocol:?}");
        assert_eq!(second.queries().len(), 1);
    }
}

#[tokio::test]
async fn a_second_try_beside_an_address_that_never_answered_goes_to_the_next_one() {
    let authority = Authority::new();
    for protocol in BOTH {
        let (_first, second, document) =
            two_addresses(protocol, &authority, |_| Does::KeepsSilent).await;
        let (_upstreams, set) = prepare(&[document], 50);
        assert!(ask(&set, "a.example").await.is_ok(), "{protocol:?}");
        assert_eq!(second.queries().len(), 1);
    }
}

#[tokio::test]
async fn an_address_that_falls_silent_is_left_for_the_next_one() {
    let authority = Authority::new();
    for protocol in BOTH {
        let script = |asked: &ReceivedQuery| match asked.number {
            0 => Does::Says(asked.address(1, 300)),
            _ => Does::KeepsSilent,
        };
        let (_first, second, document) = two_addresses(protocol, &authority, script).await;
        let upstreams = Upstreams::new();
        let times = set_document(1, 100, 1000);
        let set = upstreams.prepare(&[document], &[times]).unwrap().remove(0);
        assert!(ask(&set, "a.example").await.is_ok());
        // What is under way when it falls silent is lost.
        for number in 0..4 {
            let asked = ask(&set, &format!("n{number}.example")).await;
            assert!(asked.is_ok() || number < 3, "{protocol:?}");
        }
        assert!(!second.queries().is_empty(), "{protocol:?}");
    }
}
