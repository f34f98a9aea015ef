//! What is believed changes; connections are open.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use rustls::AlertDescription;
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;

use super::authority::{Authority, Shown, workload};
use super::world::{Stream, WEB, World, ask, assert_closed, query, told};

fn alert(stream: &mut Stream) -> AlertDescription {
    let error = stream.read(&mut [0]).unwrap_err();
    match error.downcast::<rustls::Error>().unwrap() {
        rustls::Error::AlertReceived(alert) => alert,
        other => panic!("{other}"),
    }
}

/// A certificate with the serial number 0x8f01.
fn web(root: &Authority) -> Shown {
    let mut params = workload(&[WEB]);
    params.serial_number = Some(0x8f01.into());
    root.issue_with(params)
}

/// Changes of the trust after which the certificate is not believed any more, the reason that a
/// query gets, and the alert that a new connection gets.
fn changes(root: &Authority) -> Vec<(&'static str, Value, &'static str, AlertDescription)> {
    let revoked = AlertDescription::CertificateRevoked;
    vec![
        ("/trust/revoked/identities", json!([WEB]), "identity_revoked", revoked),
        (
            "/trust/revoked/certificates",
            json!([{"domain": "keyhole.lab", "serial": "8f01"}]),
            "identity_revoked",
            revoked,
        ),
        (
            "/trust/domains/0/crls",
            json!(root.revoke(&[0x8f01], 3_600)),
            "identity_revoked",
            revoked,
        ),
        (
            "/trust/domains/0/bundle",
            json!(Authority::root("next").pem()),
            "identity_untrusted",
            AlertDescription::UnknownCA,
        ),
    ]
}

#[test]
fn a_connection_whose_client_is_not_believed_any_more_hears_why_and_is_closed() {
    let root = Authority::root("root");
    let (shown, other) = (web(&root), root.issue("spiffe://keyhole.lab/ns/shop/sa/payments"));
    for (place, value, reason, expected) in changes(&root) {
        let mut world = World::start(&root);
        let mut stream = world.dot(Some(&shown));
        let mut neighbor = world.dot(Some(&other));
        assert_eq!([ask(&mut stream), ask(&mut neighbor)], ["answered", "answered"]);
        *world.document.pointer_mut(place).unwrap() = value;
        world.commit();
        assert_eq!(ask(&mut stream), reason, "{place}");
        assert_closed(&mut stream);
        assert_eq!(alert(&mut world.dot(Some(&shown))), expected, "{place}");
        let stays = if place.ends_with("bundle") { "identity_untrusted" } else { "answered" };
        assert_eq!(ask(&mut neighbor), stays, "{place}");
        assert_eq!(world.stats()["queries"]["dot"][reason], if stays == reason { 2 } else { 1 });
    }
}

#[test]
fn a_root_that_takes_over_from_another_cuts_nobody() {
    let (root, next) = (Authority::root("root"), Authority::root("next"));
    let mut world = World::start(&root);
    let mut old = world.dot(Some(&web(&root)));
    assert_eq!(ask(&mut old), "answered");
    world.document["trust"]["domains"][0]["bundle"] = json!(root.pem() + &next.pem());
    world.commit();
    let mut new = world.dot(Some(&web(&next)));
    assert_eq!([ask(&mut old), ask(&mut new)], ["answered", "answered"]);
    world.document["trust"]["domains"][0]["bundle"] = json!(next.pem());
    world.commit();
    assert_eq!([&*ask(&mut old), &*ask(&mut new)], ["identity_untrusted", "answered"]);
}

#[test]
fn a_change_that_is_not_about_trust_leaves_every_certificate_as_it_was() {
    let root = Authority::root("root");
    let mut world = World::start(&root);
    let mut stream = world.dot(Some(&web(&root)));
    assert_eq!(ask(&mut stream), "answered");
    // The name has a local record, which a default that denies would let through.
    world.document["policies"][0]["rules"] = json!([{
        "action": "block", "matches": [{"below": "example.org"}], "types": [],
        "answer": "refused", "mode": "enforce", "when": null, "important": false,
        "decision": false, "during": null, "origin": "test",
    }]);
    world.commit();
    assert_eq!(ask(&mut stream), "blocked_by_rule");
    world.document["policies"][0]["rules"] = json!([]);
    world.commit();
    assert_eq!(ask(&mut stream), "answered");
}

#[test]
fn where_something_is_demanded_a_client_that_shows_nothing_hears_that() {
    let root = Authority::root("root");
    let world = World::start(&root);
    let mut stream = world.dot(None);
    assert_eq!([ask(&mut stream), ask(&mut stream)], ["no_identity", "no_identity"]);
    let handshakes = &world.stats()["connections"]["handshakes"];
    assert_eq!(handshakes["without_certificate"], 1);
}

#[tokio::test]
async fn the_same_over_http2_ends_with_goaway() {
    let root = Authority::root("root");
    for (place, value, reason, _) in changes(&root) {
        let mut world = World::start(&root);
        let tcp = tokio::net::TcpStream::connect(world.address("doh")).await.unwrap();
        let connector = TlsConnector::from(Arc::new(world.client(Some(&web(&root)), "h2")));
        let name = ServerName::try_from("localhost").unwrap();
        let tls = connector.connect(name, tcp).await.unwrap();
        let (send, connection) = h2::client::handshake(tls).await.unwrap();
        let connection = tokio::spawn(connection);
        assert_eq!(ask_http(send.clone()).await, "answered");
        *world.document.pointer_mut(place).unwrap() = value;
        world.commit();
        assert_eq!(ask_http(send.clone()).await, reason, "{place}");
        // GOAWAY without an error ends the client's side as well.
        drop(send);
        connection.await.unwrap().unwrap();
    }
}

async fn ask_http(send: h2::client::SendRequest<Bytes>) -> String {
    let request = Request::post("https://localhost/dns-query")
        .header("content-type", "application/dns-message")
        .body(())
        .unwrap();
    let (response, mut body) = send.ready().await.unwrap().send_request(request, false).unwrap();
    body.send_data(query().into(), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    let mut answer = Vec::new();
    while let Some(part) = body.data().await {
        answer.extend_from_slice(&part.unwrap());
    }
    told(&answer)
}
