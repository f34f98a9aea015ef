//! Who asks, as each listener finds out.

use std::io::{Read, Write};

use http::Request;

use super::http::{Http2, base64url, get, http1_reply, http1_text, read};
use super::world::{World, answer, exchange, query};
use crate::options::{Authentication, MeshOptions, Options};
use crate::trust::authority::Authority;

const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";
const TOKEN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// The beginning of the SHA-256 of [`TOKEN`].
const HASH: &str = "3ba3";
const HEADER: &str = "x-forwarded-client-cert";

/// What an answer to `who` says.
fn told(message: &[u8]) -> String {
    let said = message.strip_prefix(&*answer(0, "who")).unwrap();
    String::from_utf8(said.to_vec()).unwrap()
}

fn ask(stream: &mut (impl Read + Write)) -> String {
    told(&exchange(stream, &query(0, "who")))
}

/// Asks over HTTP/1.1 for this path, with these lines in the header.
fn ask_http(stream: &mut (impl Read + Write), path: &str, lines: &[String]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let dns = base64url(&query(0, "who"));
    let text = format!("GET {path}?dns={dns} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    told(&http1_reply(stream, false).body)
}

fn ask_udp(world: &World) -> String {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(super::world::READ_TIMEOUT)).unwrap();
    socket.send_to(&query(0, "who"), world.address("udp")).unwrap();
    let mut octets = [0; 200];
    let count = socket.recv(&mut octets).unwrap();
    told(&octets[..count])
}

fn named(options: &mut Options) {
    options.names = vec!["dns.example.org".to_owned()];
}

#[test]
fn a_client_that_shows_nothing_is_its_network_or_nobody() {
    for (wanted, shown) in [
        (Authentication::Auto, "network"),
        (Authentication::Permissive, "network"),
        (Authentication::Strict, "nobody"),
    ] {
        let world = World::with(|options| {
            options.authentication.udp = wanted;
            options.authentication.tcp = wanted;
            options.authentication.dot = wanted;
            options.authentication.doh = wanted;
            options.authentication.doh_cleartext = wanted;
        });
        let said = |transport| format!("{transport} 127.0.0.1 via 127.0.0.1: {shown}");
        assert_eq!(ask_udp(&world), said("Udp"));
        assert_eq!(ask(&mut world.connect("tcp")), said("Tcp"));
        let mut tls = world.connect_tls("dot", world.client(&["dot"]));
        assert_eq!(ask(&mut tls), said("Dot"));
        let mut tls = world.connect_tls("doh", world.client(&[]));
        assert_eq!(ask_http(&mut tls, "/dns-query", &[]), said("Doh"));
        // Sidecars name clients there.
        let shown = if wanted == Authentication::Auto { "nobody" } else { shown };
        let said = format!("Doh 127.0.0.1 via 127.0.0.1: {shown}");
        assert_eq!(ask_http(&mut world.connect("doh_cleartext"), "/dns-query", &[]), said);
    }
}

#[test]
fn what_one_listener_demands_another_need_not() {
    let world = World::with(|options| options.authentication.tcp = Authentication::Strict);
    assert!(ask(&mut world.connect("tcp")).ends_with(": nobody"));
    assert!(ask_udp(&world).ends_with(": network"));
}

#[tokio::test]
async fn a_certificate_is_known_over_dot_and_both_versions_of_http() {
    let world = World::with(|options| options.authentication.doh = Authentication::Strict);
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let shown = root.issue(WEB);
    let config = |protocols: &[&str]| world.client_showing(&shown, protocols);
    let said = |transport| format!("{transport} 127.0.0.1 via 127.0.0.1: certificate {WEB}");
    assert_eq!(ask(&mut world.connect_tls("dot", config(&["dot"]))), said("Dot"));
    let mut tls = world.connect_tls("doh", config(&[]));
    assert_eq!(ask_http(&mut tls, "/dns-query", &[]), said("Doh"));
    let client = Http2::over_tls_as(&world, config(&["h2"])).await;
    assert_eq!(told(&client.ask(get(&query(0, "who"))).await.body), said("Doh"));
    // Who shows none is asked for one, and let in without.
    let client = Http2::over_tls(&world).await;
    assert!(told(&client.ask(get(&query(0, "who"))).await.body).ends_with(": nobody"));
    let counted = &world.counted()["handshakes"];
    assert_eq!([&counted["with_certificate"], &counted["without_certificate"]], [3, 1]);
}

#[test]
fn a_label_before_the_name_of_the_server_is_a_token() {
    let world = World::with(named);
    for (name, shown) in [
        (format!("{TOKEN}.dns.example.org"), format!("token {HASH}")),
        (format!("{}.DNS.example.org", TOKEN.to_uppercase()), format!("token {HASH}")),
        ("dns.example.org".to_owned(), "network".to_owned()),
        ("localhost".to_owned(), "network".to_owned()),
        // Something was shown; that nobody can read it does not make it nothing.
        ("laptop.dns.example.org".to_owned(), "unreadable".to_owned()),
    ] {
        let mut tls = world.connect_named("dot", world.client(&["dot"]), &name);
        assert_eq!(ask(&mut tls), format!("Dot 127.0.0.1 via 127.0.0.1: {shown}"), "{name}");
    }
}

#[tokio::test]
async fn a_segment_after_the_path_is_the_token_of_that_request() {
    let world = World::start();
    let path = format!("/dns-query/{TOKEN}");
    let token = format!("Doh 127.0.0.1 via 127.0.0.1: token {HASH}");
    let mut http1 = world.connect_tls("doh", world.client(&[]));
    let http2 = Http2::over_tls(&world).await;
    let dns = base64url(&query(0, "who"));
    for (path, said) in [(&*path, &*token), ("/dns-query", "Doh 127.0.0.1 via 127.0.0.1: network")]
    {
        assert_eq!(ask_http(&mut http1, path, &[]), said);
        let asked = ("GET", format!("{path}?dns={dns}"), None, None);
        assert_eq!(told(&http2.ask(asked).await.body), said);
        let (head, body) = (Some("application/dns-message"), Some(query(0, "who")));
        let asked = ("POST", path.to_owned(), head, body);
        assert_eq!(told(&http2.ask(asked).await.body), said);
    }
    for other in ["/dns-query/x", "/dns-query/", &format!("{path}/"), &format!("/x{path}")] {
        let asked = ("GET", format!("{other}?dns={dns}"), None, None);
        http1.write_all(&http1_text(&asked)).unwrap();
        assert_eq!(http1_reply(&mut http1, false).status, 404, "{other}");
        assert_eq!(http2.ask(asked).await.status, 404, "{other}");
    }
}

#[tokio::test]
async fn a_certificate_comes_before_a_token() {
    let world = World::with(named);
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let shown = root.issue(WEB);
    let said = |transport| format!("{transport} 127.0.0.1 via 127.0.0.1: certificate {WEB}");
    let (config, name) =
        (world.client_showing(&shown, &["dot"]), format!("{TOKEN}.dns.example.org"));
    assert_eq!(ask(&mut world.connect_named("dot", config, &name)), said("Dot"));
    let mut tls = world.connect_tls("doh", world.client_showing(&shown, &[]));
    assert_eq!(ask_http(&mut tls, &format!("/dns-query/{TOKEN}"), &[]), said("Doh"));
}

#[tokio::test]
async fn a_sidecar_on_this_machine_says_for_whom_each_request_is() {
    let world = World::start();
    let mut http1 = world.connect("doh_cleartext");
    let tcp = tokio::net::TcpStream::connect(world.address("doh_cleartext")).await.unwrap();
    let http2 = Http2::over(tcp, |_| ()).await;
    let ask_http2 = async |path: &str, values: &[&str]| {
        let uri = format!("https://localhost{path}?dns={}", base64url(&query(0, "who")));
        let mut request = Request::get(uri);
        for value in values {
            request = request.header(HEADER, *value);
        }
        let mut send = http2.0.clone().ready().await.unwrap();
        let (response, _) = send.send_request(request.body(()).unwrap(), true).unwrap();
        told(&read(response).await.unwrap().body)
    };
    let (web, payments) = (format!("URI={WEB}"), "URI=spiffe://keyhole.lab/ns/shop/sa/payments");
    let token = format!("/dns-query/{TOKEN}");
    for (path, values, shown) in [
        ("/dns-query", vec![&*web], format!("mesh {WEB}")),
        ("/dns-query", vec![payments], "mesh spiffe://keyhole.lab/ns/shop/sa/payments".into()),
        ("/dns-query", vec![], "nobody".to_owned()),
        ("/dns-query", vec!["Hash=ab12"], "unreadable".to_owned()),
        ("/dns-query", vec![""], "unreadable".to_owned()),
        ("/dns-query", vec![&web, &web], "unreadable".to_owned()),
        ("/dns-query", vec![&format!("{web},{payments}")], "unreadable".to_owned()),
        ("/dns-query", vec!["URI=spiffe://other.lab/a"], "unreadable".to_owned()),
        (&token, vec![&web], format!("mesh {WEB}")),
        (&token, vec!["x"], "unreadable".to_owned()),
        (&token, vec![], format!("token {HASH}")),
    ] {
        let said = format!("Doh 127.0.0.1 via 127.0.0.1: {shown}");
        let lines: Vec<_> = values.iter().map(|value| format!("{HEADER}: {value}")).collect();
        assert_eq!(ask_http(&mut http1, path, &lines), said, "{values:?}");
        assert_eq!(ask_http2(path, &values).await, said, "{values:?}");
    }
}

#[test]
fn nobody_else_says_for_whom_a_request_is() {
    let lines = [format!("{HEADER}: URI={WEB}")];
    // From the network, where anybody can write such a header.
    let world = World::start();
    let mut tls = world.connect_tls("doh", world.client(&[]));
    assert!(ask_http(&mut tls, "/dns-query", &lines).ends_with(": network"));
    // With a certificate of another.
    let root = Authority::root("root");
    world.trusted_sidecar(&root);
    let own = root.issue("spiffe://keyhole.lab/ns/shop/sa/payments");
    let mut tls = world.connect_tls("doh", world.client_showing(&own, &[]));
    assert!(ask_http(&mut tls, "/dns-query", &lines).ends_with("/sa/payments"));
    // On this machine, from an address that is not that of a sidecar.
    let world = World::with(|options| {
        options.mesh.peers = vec!["127.0.0.6/32".parse().unwrap()];
    });
    let mut cleartext = world.connect("doh_cleartext");
    assert!(ask_http(&mut cleartext, "/dns-query", &lines).ends_with(": unreadable"));
    assert!(
        ask_http(&mut cleartext, "/dns-query", &[format!("{HEADER}:")]).ends_with(": unreadable")
    );
    assert!(ask_http(&mut cleartext, "/dns-query", &[]).ends_with(": nobody"));
    // The same where no sidecar names anybody: a header that is there was written for somebody.
    let world = World::with(|options| options.mesh = MeshOptions::default());
    let mut cleartext = world.connect("doh_cleartext");
    assert!(ask_http(&mut cleartext, "/dns-query", &lines).ends_with(": unreadable"));
    assert!(ask_http(&mut cleartext, "/dns-query", &[]).ends_with(": network"));
}
