//! What both versions of HTTP promise alike, and the clients that the tests of each use.

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Method, Request, StatusCode};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::super::doh::request::MEDIA_TYPE;
use super::world::{World, answer, query};

/// A response, whole.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request: method, target, content type, body.
pub(super) type Asked<'a> = (&'a str, String, Option<&'a str>, Option<Vec<u8>>);

/// A GET for this message.
pub(super) fn get(message: &[u8]) -> Asked<'static> {
    ("GET", format!("/dns-query?dns={}", base64url(message)), None, None)
}

/// A POST of this message.
pub(super) fn post(message: &[u8]) -> Asked<'static> {
    ("POST", "/dns-query".to_owned(), Some(MEDIA_TYPE), Some(message.to_vec()))
}

pub(super) fn base64url(octets: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits = group.iter().fold(0, |bits, &octet| bits << 8 | u32::from(octet));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(alphabet[(bits >> (18 - 6 * place) & 63) as usize] as char);
        }
    }
    text
}

/// Writes a request as HTTP/1.1 does.
pub(super) fn http1_text((method, target, media_type, body): &Asked<'_>) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
    if let Some(media_type) = media_type {
        text += &format!("content-type: {media_type}\r\n");
    }
    if let Some(body) = body {
        text += &format!("content-length: {}\r\n", body.len());
    }
    let mut text = (text + "\r\n").into_bytes();
    text.extend_from_slice(body.as_deref().unwrap_or_default());
    text
}

/// Reads a response as HTTP/1.1 writes it; that to a HEAD has no body.
pub(super) fn http1_reply(stream: &mut impl Read, is_head: bool) -> Reply {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    let text = String::from_utf8(head).unwrap();
    let mut lines = text.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(
            name.parse::<http::HeaderName>().unwrap(),
            value.parse::<http::HeaderValue>().unwrap(),
        );
    }
    let length = headers["content-length"].to_str().unwrap().parse().unwrap();
    let mut body = vec![0; if is_head { 0 } else { length }];
    stream.read_exact(&mut body).unwrap();
    Reply { status, headers, body }
}

/// A client of HTTP/2.
#[derive(Clone)]
pub(super) struct Http2(pub(super) SendRequest<Bytes>);

impl Http2 {
    /// A client over TLS.
    pub(super) async fn over_tls(world: &World) -> Self {
        Self::over_tls_as(world, world.client(&["h2"])).await
    }

    /// The same with terms of its own.
    pub(super) async fn over_tls_as(world: &World, config: ClientConfig) -> Self {
        let tcp = tokio::net::TcpStream::connect(world.address("doh")).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        Self::over(connector.connect(name, tcp).await.unwrap(), |_| ()).await
    }

    /// A client over anything, with settings of its own.
    pub(super) async fn over<Io>(io: Io, set: impl FnOnce(&mut h2::client::Builder)) -> Self
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = h2::client::Builder::new();
        set(&mut builder);
        let (send, connection) = builder.handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self(send)
    }

    /// Sends a request and does not wait for its response.
    pub(super) async fn send(&self, asked: Asked<'_>) -> ResponseFuture {
        let (method, target, media_type, body) = asked;
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("https://localhost{target}"));
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        let mut send = self.0.clone().ready().await.unwrap();
        let request = request.body(()).unwrap();
        let (response, mut stream) = send.send_request(request, body.is_none()).unwrap();
        if let Some(body) = body {
            stream.send_data(Bytes::from(body), true).unwrap();
        }
        response
    }

    /// Waits until the connection is closed.
    pub(super) async fn until_closed(&self) {
        while self.0.clone().ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Sends a request and waits for its response.
    pub(super) async fn ask(&self, asked: Asked<'_>) -> Reply {
        read(self.send(asked).await).await.unwrap()
    }
}

/// Waits for a response.
pub(super) async fn read(response: ResponseFuture) -> Result<Reply, h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    let mut octets = Vec::new();
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        octets.extend_from_slice(&part);
    }
    Ok(Reply { status: head.status, headers: head.headers, body: octets })
}

/// [`Obedient::until_held`] without holding up the client's own tasks.
///
/// [`Obedient::until_held`]: super::world::Obedient::until_held
pub(super) async fn until_held(world: &World, count: usize) {
    let service = Arc::clone(&world.service);
    tokio::task::spawn_blocking(move || service.until_held(count)).await.unwrap();
}

/// Waits until so many connections are open, without holding up the client's own tasks.
pub(super) async fn until_open(world: &World, count: usize) {
    let limits = Arc::clone(&world.limits);
    let opened = move || super::world::until(|| limits.open() == count);
    tokio::task::spawn_blocking(opened).await.unwrap();
}

/// Requests and the status of their responses, whichever the version.
fn promises() -> Vec<(Asked<'static>, u16)> {
    let line = |method, target: &str| (method, target.to_owned(), None, None);
    let dns = base64url(&query(0, "asked"));
    let body = |media_type, octets: usize| {
        ("POST", "/dns-query".to_owned(), media_type, Some(vec![0; octets]))
    };
    vec![
        (get(&query(0, "asked")), 200),
        (post(&query(0, "asked")), 200),
        (line("HEAD", &format!("/dns-query?dns={dns}")), 200),
        (line("GET", &format!("/dns-query?a=b&dns={dns}")), 200),
        (line("GET", "/dns-query"), 400),
        (line("GET", "/dns-query?dns=AAAA"), 400),
        (line("GET", &format!("/dns-query?dns={dns}=")), 400),
        (line("GET", &format!("/dns-query?dns={dns}&dns={dns}")), 400),
        (get(&query(0, "drop")), 400),
        (body(Some(MEDIA_TYPE), 11), 400),
        (body(Some(MEDIA_TYPE), 0), 400),
        (line("GET", "/"), 404),
        (line("GET", &format!("//dns-query?dns={dns}")), 404),
        (line("GET", &format!("/dns-query/?dns={dns}")), 404),
        (line("POST", "/dns-query/x"), 404),
        (line("PUT", "/dns-query"), 405),
        (line("OPTIONS", "/dns-query"), 405),
        (line("DELETE", "/"), 404),
        (body(Some(MEDIA_TYPE), 65_536), 413),
        (body(Some("application/json"), 40), 415),
        (body(None, 40), 415),
    ]
}

fn check(asked: &Asked<'_>, expected: u16, reply: &Reply) {
    assert_eq!(reply.status, expected, "{asked:?}");
    assert_eq!(reply.headers.contains_key("allow"), expected == 405, "{asked:?}");
    assert!(reply.headers.contains_key("date"), "{asked:?}");
    if expected == 200 {
        assert_eq!(reply.header("content-type"), MEDIA_TYPE);
        assert_eq!(reply.header("cache-control"), "max-age=60");
        assert_eq!(reply.header("content-length"), answer(0, "asked").len().to_string());
        let body = if asked.0 == "HEAD" { Vec::new() } else { answer(0, "asked") };
        assert_eq!(reply.body, body);
    } else {
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn http2_answers_and_refuses_as_the_standard_says() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    for (asked, expected) in promises() {
        check(&asked, expected, &client.ask(asked.clone()).await);
    }
}

#[test]
fn http1_answers_and_refuses_as_the_standard_says() {
    let world = World::start();
    for (asked, expected) in promises() {
        let mut stream = world.connect_tls("doh", world.client(&["http/1.1"]));
        stream.write_all(&http1_text(&asked)).unwrap();
        check(&asked, expected, &http1_reply(&mut stream, asked.0 == "HEAD"));
    }
}
